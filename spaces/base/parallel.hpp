#pragma once

#include <cstddef>
#include <functional>

namespace lathe {

/// Calls body(i) for every i in [0, count) on at most `threads` threads (1: on the caller's own, in
/// order). Which thread runs which index is not fixed, so a body derives its randomness from i. The
/// exception of the lowest failing index is rethrown after all threads have ended.
void parallel_for(std::size_t count, int threads, const std::function<void(std::size_t)>& body);

}  // namespace lathe
