#pragma once

#include "spaces/base/error.hpp"

#include <functional>

namespace c10 {
class Error;
}

namespace lathe::supernet {

/// Whether LibTorch throws this where memory is out. Its CPU allocator has no exception type of its
/// own.
bool is_out_of_memory(const c10::Error& error);

/// Runs body; where memory is out, throws ResourceError with the parts of `problem()` and, as what
/// was found, the words of who asked for it.
void in_memory(const std::function<void()>& body, const std::function<Problem()>& problem);

}  // namespace lathe::supernet
