#pragma once

#include "spaces/base/file_io.hpp"

#include <filesystem>
#include <string>

namespace lathe {

/// Holds a lock file, in which stand the process's id, host and since when, until it dies, and then
/// removes it. The lock is the kernel's (flock), so that of a killed process it binds nobody; the
/// temporary files that such a process left beside the lock file and in folders there are removed.
class RunLock {
 public:
  /// A run's: the file `lock` in its folder.
  explicit RunLock(const std::filesystem::path& folder);
  /// Of `what`, "a run" or "a table" by its `noun`. Throws ConfigError, naming the holder, if
  /// another process, or this one, holds it already; ResourceError if it can't be locked.
  RunLock(const std::filesystem::path& what, const std::string& noun,
          const std::filesystem::path& lock_file);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

 private:
  std::filesystem::path file_;
  Descriptor descriptor_;
};

}  // namespace lathe
