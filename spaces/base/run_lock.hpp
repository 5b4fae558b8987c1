#pragma once

#include "spaces/base/file_io.hpp"

#include <filesystem>

namespace lathe {

/// Holds the file `lock` of a run's folder, which has the process's id in it, until it dies, and
/// then removes it; base's own.
class RunLock {
 public:
  /// Throws ConfigError if another process, or this one, holds it already; ResourceError if the
  /// folder can't be locked.
  explicit RunLock(const std::filesystem::path& folder);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

 private:
  std::filesystem::path file_;
  Descriptor descriptor_;
};

}  // namespace lathe
