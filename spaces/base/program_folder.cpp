#include "spaces/base/program_folder.hpp"

#include "spaces/base/error.hpp"

#include <system_error>

namespace lathe {

std::filesystem::path program_folder() {
  std::error_code unreadable;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", unreadable);
  if (unreadable) {
    throw MissingEntry(Problem{"/proc/self/exe", "a link to this program's file",
                               unreadable.message(), "mount /proc"});
  }
  return program.parent_path();
}

}  // namespace lathe
