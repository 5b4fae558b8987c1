#include "spaces/base/run_lock.hpp"

#include "spaces/base/error.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <string>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lathe {
namespace {

[[noreturn]] void throw_held(const std::filesystem::path& folder, int descriptor) {
  std::array<char, 32> holder{};
  std::int64_t length = read_some(descriptor, holder.data(), holder.size());
  while (length > 0 && holder[static_cast<std::size_t>(length - 1)] == '\n') --length;
  const std::string process =
      length > 0 ? "process " + std::string(holder.data(), static_cast<std::size_t>(length))
                 : "another process";
  throw ConfigError({folder.string(), "a run that no other process works on",
                     "one that " + process + " works on", "wait until it has ended, or stop it"});
}

/// The locked file's descriptor.
int lock(const std::filesystem::path& folder, const std::filesystem::path& file) {
  while (true) {
    Descriptor descriptor(open_file(file, O_RDWR | O_CREAT, 0666));
    if (descriptor.get() < 0) throw_unwritable(file, errno);
    int result = 0;
    do {
      result = ::flock(descriptor.get(), LOCK_EX | LOCK_NB);
    } while (result != 0 && errno == EINTR);
    if (result != 0 && errno == EWOULDBLOCK) throw_held(folder, descriptor.get());
    struct stat status {};
    if (result != 0 || ::fstat(descriptor.get(), &status) != 0) throw_unwritable(file, errno);
    // The holder may have removed the file between our opening and locking it.
    if (status.st_nlink > 0) return descriptor.release();
  }
}

}  // namespace

RunLock::RunLock(const std::filesystem::path& folder)
    : file_(folder / "lock"), descriptor_(lock(folder, file_)) {
  const std::string holder = std::to_string(::getpid()) + "\n";
  if (::ftruncate(descriptor_.get(), 0) != 0 || !write_all(descriptor_.get(), holder)) {
    throw_unwritable(file_, errno);
  }
}

RunLock::~RunLock() { ::unlink(file_.c_str()); }

}  // namespace lathe
