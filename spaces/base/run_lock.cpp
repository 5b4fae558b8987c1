#include "spaces/base/run_lock.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/run_dir.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <sstream>
#include <string>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace lathe {
namespace {

namespace fs = std::filesystem;

/// What a lock file says; empty words where it says nothing.
struct Holder {
  std::string process, host, since;
};

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

Holder read_holder(int descriptor) {
  std::array<char, 512> bytes{};
  const std::int64_t length = read_some(descriptor, bytes.data(), bytes.size());
  Holder holder;
  if (length > 0) {
    std::istringstream words(std::string(bytes.data(), static_cast<std::size_t>(length)));
    words >> holder.process >> holder.host >> holder.since;
  }
  return holder;
}

[[noreturn]] void throw_held(const fs::path& what, const std::string& noun, const Holder& holder) {
  std::string process = "another process";
  if (!holder.process.empty()) process = "process " + holder.process;
  if (!holder.host.empty()) process += " on " + holder.host;
  std::string since;
  if (!holder.since.empty()) since = " since " + holder.since;
  throw ConfigError({what.string(), noun + " that no other process works on",
                     "one that " + process + " works on" + since,
                     "wait until it has ended, or stop it"});
}

/// The locked file's descriptor.
int lock(const fs::path& what, const std::string& noun, const fs::path& file) {
  while (true) {
    Descriptor descriptor(open_file(file, O_RDWR | O_CREAT, 0666));
    if (descriptor.get() < 0) throw_unwritable(file, errno);
    int result = 0;
    do {
      result = ::flock(descriptor.get(), LOCK_EX | LOCK_NB);
    } while (result != 0 && errno == EINTR);
    if (result != 0 && errno == EWOULDBLOCK) {
      throw_held(what, noun, read_holder(descriptor.get()));
    }
    struct stat status {};
    if (result != 0 || ::fstat(descriptor.get(), &status) != 0) throw_unwritable(file, errno);
    // The holder may have removed the file between our opening and locking it.
    if (status.st_nlink > 0) return descriptor.release();
  }
}

/// Of a holder that was killed; the lock is ours now, so it lives no more.
void remove_leftovers(const fs::path& folder, const Holder& holder) {
  std::int64_t process = 0;
  const std::string& text = holder.process;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), process);
  if (error != std::errc() || end != text.data() + text.size() || holder.host != host_name()) {
    return;
  }
  const std::string prefix = temporary_prefix(process);
  std::error_code failed;
  for (fs::recursive_directory_iterator it(folder, failed), last; !failed && it != last;
       it.increment(failed)) {
    std::error_code ignored;
    if (it.depth() > 0) it.disable_recursion_pending();
    if (it->path().filename().string().rfind(prefix, 0) == 0) fs::remove(it->path(), ignored);
  }
}

}  // namespace

RunLock::RunLock(const fs::path& folder) : RunLock(folder, "a run", folder / "lock") {}

RunLock::RunLock(const fs::path& what, const std::string& noun, const fs::path& lock_file)
    : file_(lock_file), descriptor_(lock(what, noun, lock_file)) {
  const fs::path folder = lock_file.parent_path();
  remove_leftovers(folder.empty() ? fs::path(".") : folder, read_holder(descriptor_.get()));
  const std::string holder =
      std::to_string(::getpid()) + " " + host_name() + " " + utc_now() + "\n";
  if (::ftruncate(descriptor_.get(), 0) == 0 && ::lseek(descriptor_.get(), 0, SEEK_SET) == 0 &&
      write_all(descriptor_.get(), holder)) {
    return;
  }
  const int error = errno;
  ::unlink(file_.c_str());  // no destructor runs
  throw_unwritable(file_, error);
}

RunLock::~RunLock() { ::unlink(file_.c_str()); }

}  // namespace lathe
