#include "spaces/base/parallel.hpp"

#include "spaces/base/error.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace lathe {
namespace {

/// Indices are handed out in order and, after a failure, no more: so everything below the first
/// failing index has run, and the lowest one that fails does not depend on the threads.
struct Work {
  explicit Work(std::size_t items) : count(items) {}

  void run(const std::function<void(std::size_t)>& body) {
    while (!stop) {
      const std::size_t index = next++;
      if (index >= count) return;
      try {
        body(index);
      } catch (...) {
        const std::lock_guard<std::mutex> lock(mutex);
        stop = true;
        if (!error || index < failed) {
          failed = index;
          error = std::current_exception();
        }
      }
    }
  }

  const std::size_t count;
  std::atomic<std::size_t> next{0};
  std::atomic<bool> stop{false};
  std::mutex mutex;
  std::size_t failed = 0;
  std::exception_ptr error;
};

}  // namespace

void parallel_for(std::size_t count, int threads, const std::function<void(std::size_t)>& body) {
  LATHE_CHECK(threads > 0, "parallel_for on " + std::to_string(threads) + " threads");
  if (threads == 1) {
    for (std::size_t i = 0; i < count; ++i) body(i);
    return;
  }
  Work work(count);
  std::vector<std::thread> helpers;
  const std::size_t used = std::min(count, static_cast<std::size_t>(threads));
  helpers.reserve(used);
  try {
    while (helpers.size() + 1 < used) helpers.emplace_back([&] { work.run(body); });
  } catch (const std::system_error&) {
    // The system gives no more threads; those that run do the work.
  }
  work.run(body);
  for (std::thread& helper : helpers) helper.join();
  if (work.error) std::rethrow_exception(work.error);
}

}  // namespace lathe
