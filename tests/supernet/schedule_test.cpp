#include "supernet/training/schedule.hpp"

#include "tests/support/catch.hpp"

using namespace lathe::supernet;

TEST_CASE("the rate rises linearly, then falls by half a cosine", "[supernet][training]") {
  const Schedule s{0.8, 4, 12};
  CHECK(lr_at(s, 0) == Approx(0.2));
  CHECK(lr_at(s, 1) == Approx(0.4));
  CHECK(lr_at(s, 3) == Approx(0.8));
  CHECK(lr_at(s, 4) == Approx(0.8));
  CHECK(lr_at(s, 6) == Approx(0.4 * (1 + std::sqrt(0.5))));  // cos(pi/4)
  CHECK(lr_at(s, 8) == Approx(0.4));
  CHECK(lr_at(s, 11) == Approx(0.4 * (1 - 0.9238795)));  // cos(7 pi/8)
  CHECK(lr_at({0.1, 0, 1}, 0) == Approx(0.1));
}

TEST_CASE("a step outside the schedule is a bug", "[supernet][training]") {
  CHECK_THROWS_WITH(lr_at({0.1, 0, 5}, 5), ContainsSubstring("step 5"));
  CHECK_THROWS_WITH(lr_at({0.1, 0, 5}, -1), ContainsSubstring("step -1"));
}
