#pragma once

#include <functional>
#include <string>

namespace lathe::search {

/// Runs body; what LibTorch throws comes out as ours, with `what` was being done before its first
/// line: ResourceError for memory, else LogicError. Errors of ours pass through.
void without_torch_errors(const std::string& what, const std::function<void()>& body);

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
