#pragma once

#include <functional>
#include <string>

namespace lathe::search {

/// Runs body; what LibTorch throws comes out as ours, with `what` was being done before its first
/// line: ResourceError for memory, else LogicError. Errors of ours pass through.
void without_torch_errors(const std::string& what, const std::function<void()>& body);

/// Tells malloc to keep what is freed mapped: steps allocate and free the same large tensors, and
/// without page faults a training step is 1.06 to 1.4 times as fast, for about 100 MB. For the
/// whole process; call it before torch allocates.
void keep_freed_memory();

/// One torch thread on the calling thread while it lives: results then do not depend on how many
/// workers there are.
class OneTorchThread {
 public:
  OneTorchThread();
  ~OneTorchThread();
  OneTorchThread(const OneTorchThread&) = delete;
  OneTorchThread& operator=(const OneTorchThread&) = delete;

 private:
  int before_;
};

}  // namespace lathe::search
