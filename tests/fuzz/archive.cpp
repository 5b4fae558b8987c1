#include "supernet/data/file_source.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <sys/mman.h>
#include <unistd.h>

namespace {

/// A file in memory.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes) : descriptor_(::memfd_create("input", MFD_CLOEXEC)) {
    if (::write(descriptor_, bytes.data(), bytes.size()) != ::ssize_t(bytes.size())) std::abort();
  }
  ~MemoryFile() { ::close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  std::string name() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

}  // namespace

LATHE_FUZZ_TARGET(bytes) {
  const MemoryFile file(bytes);
  std::size_t total = 0;
  lathe::supernet::visit_files(file.name(), [&](const lathe::supernet::SourceEntry& entry) {
    lathe::supernet::check_name("input", entry.name);
    // Sparse members may be of any size; what they add is zeros.
    if (!entry.is_folder && total < std::size_t(1) << 20) total += entry.bytes().size();
  });
}
