#include "spaces/base/parallel.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/rng.hpp"
#include "tests/support/catch.hpp"

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace lathe;

TEST_CASE("every index is run once, with the same results for any number of threads", "[base]") {
  const Rng root(3);
  const auto run = [&](std::size_t count, int threads) {
    std::vector<double> results(count, -1);
    std::vector<std::atomic<int>> calls(count);
    parallel_for(count, threads, [&](std::size_t i) {
      results[i] = root.stream("item", i).uniform();
      ++calls[i];
    });
    for (const auto& called : calls) CHECK(called == 1);
    return results;
  };
  for (const std::size_t count : {0u, 1u, 2u, 7u, 1000u}) {
    const std::vector<double> expected = run(count, 1);
    CHECK(run(count, 4) == expected);
    CHECK(run(count, 64) == expected);
  }
}

TEST_CASE("one thread is the caller's own, in order", "[base]") {
  std::vector<std::size_t> order;
  std::vector<std::thread::id> ids;
  parallel_for(5, 1, [&](std::size_t i) {
    order.push_back(i);
    ids.push_back(std::this_thread::get_id());
  });
  CHECK(order == std::vector<std::size_t>{0, 1, 2, 3, 4});
  CHECK(ids == std::vector<std::thread::id>(5, std::this_thread::get_id()));
}

TEST_CASE("the exception of the lowest failing index comes out, for any number of threads",
          "[base][property]") {
  for (const int threads : {1, 2, 8}) {
    for (std::size_t first = 0; first < 300; first += 23) {
      INFO(threads << " threads, first failure at " << first);
      std::atomic<std::size_t> below{0};
      CHECK_THROWS_WITH(parallel_for(300, threads,
                                     [&](std::size_t i) {
                                       if (i < first) ++below;
                                       if (i >= first) throw std::runtime_error(std::to_string(i));
                                     }),
                        std::to_string(first));
      CHECK(below == first);
    }
  }
}

TEST_CASE("no threads at all is a bug", "[base]") {
  CHECK_THROWS_AS(parallel_for(1, 0, [](std::size_t) {}), LogicError);
}
