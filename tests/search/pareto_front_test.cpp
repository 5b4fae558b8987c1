#include "search/pareto_front.hpp"

#include "search/evolution_searcher.hpp"
#include "search/hypervolume.hpp"
#include "spaces/base/rng.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <limits>

using namespace lathe;
using namespace lathe::search;

namespace {

std::vector<Scores> random_points(Rng& rng, int count, int dimensions) {
  std::vector<Scores> points;
  for (int i = 0; i < count; ++i) {
    Scores point;
    for (int d = 0; d < dimensions; ++d) point.push_back(rng.below(12));
    points.push_back(point);
  }
  return points;
}

/// By counting unit cells: points and reference are whole numbers.
double counted_cells(const std::vector<Scores>& points, int side, int dimensions) {
  int total = 0, cells = 1;
  for (int d = 0; d < dimensions; ++d) cells *= side;
  for (int cell = 0; cell < cells; ++cell) {
    const bool covered = std::any_of(points.begin(), points.end(), [&](const Scores& point) {
      int rest = cell;
      for (int d = 0; d < dimensions; ++d, rest /= side) {
        if (point[static_cast<std::size_t>(d)] > rest % side) return false;
      }
      return true;
    });
    total += covered;
  }
  return total;
}

}  // namespace

TEST_CASE("a front's hypervolume is the area that it dominates", "[search][golden]") {
  const Scores reference{4, 4};
  CHECK(hypervolume({{1, 3}, {2, 2}, {3, 1}}, reference) == 6);
  CHECK(hypervolume({{1, 3}, {2, 2}, {3, 1}, {3, 3}, {5, 5}}, reference) == 6);
  CHECK(hypervolume({{2, 2}}, reference) == 4);
  CHECK(hypervolume({}, reference) == 0);
  CHECK(hypervolume({{4, 0}}, reference) == 0);
  CHECK(hypervolume({{1}, {3}}, {4}) == 3);
  CHECK(hypervolume({{1, 1, 1}}, {3, 3, 3}) == 8);
  CHECK(hypervolume({{1, 2, 3}, {2, 1, 3}, {3, 3, 1}}, {4, 4, 4}) == 8 + 3 - 1);
}

TEST_CASE("hypervolume equals counted cells in two to four dimensions", "[search][property]") {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    Rng rng = Rng(11).stream("hypervolume", seed);
    const int dimensions = 2 + static_cast<int>(seed % 3);
    const std::vector<Scores> points = random_points(rng, rng.below(9), dimensions);
    INFO("seed " << seed << ", " << points.size() << " points, " << dimensions << " objectives");
    CHECK(hypervolume(points, Scores(static_cast<std::size_t>(dimensions), 10.0)) ==
          counted_cells(points, 10, dimensions));
  }
}

TEST_CASE("NaN and other lengths are bugs, not numbers", "[search]") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_WITH(hypervolume({{1, nan}}, {4, 4}), ContainsSubstring("a point holds NaN"));
  CHECK_THROWS_WITH(hypervolume({{1, 1}}, {4, nan}), ContainsSubstring("reference point"));
  CHECK_THROWS_AS(hypervolume({{1, 1, 1}}, {4, 4}), LogicError);
  CHECK_THROWS_AS(dominates({1, nan}, {2, 2}), LogicError);
  ParetoFront front;
  CHECK_THROWS_AS(front.insert({0, {nan, 1}}), LogicError);
  CHECK(front.points().empty());
}

TEST_CASE("a point dominates if it is nowhere worse and somewhere better", "[search]") {
  CHECK(dominates({1, 2}, {1, 3}));
  CHECK_FALSE(dominates({1, 2}, {1, 2}));
  CHECK_FALSE(dominates({1, 3}, {2, 2}));
  CHECK_FALSE(dominates({2, 3}, {1, 3}));
}

TEST_CASE("ranks peel one front after the other", "[search][golden]") {
  CHECK(non_dominated_ranks({{1, 1}, {2, 2}, {1, 3}, {3, 3}, {0, 4}}) ==
        std::vector<int>{0, 1, 1, 2, 0});
  CHECK(non_dominated_ranks({}).empty());
  CHECK(non_dominated_ranks({{5, 5}, {5, 5}}) == std::vector<int>{0, 0});
}

TEST_CASE("crowding is the gap between the neighbours over the range", "[search][golden]") {
  const std::vector<double> d = crowding_distances({{0, 4}, {1, 2}, {3, 1}, {6, 0}});
  CHECK(std::isinf(d[0]));
  CHECK(d[1] == Approx(3.0 / 6 + 3.0 / 4));
  CHECK(d[2] == Approx(5.0 / 6 + 2.0 / 4));
  CHECK(std::isinf(d[3]));
  CHECK(crowding_distances({}).empty());
  CHECK(std::isinf(crowding_distances({{1, 1}})[0]));
}

TEST_CASE("of equal points only the first counts, and a range of zero adds nothing", "[search]") {
  const std::vector<double> d = crowding_distances({{0, 4}, {1, 2}, {1, 2}, {6, 0}});
  CHECK(d[1] == Approx(2.0));
  CHECK(d[2] == 0);
  const std::vector<double> flat = crowding_distances({{0, 7}, {1, 7}, {4, 7}});
  CHECK(flat[1] == Approx(1.0));
}

TEST_CASE("the last front is cut by crowding", "[search][golden]") {
  // Rank 0: indices 0 to 3, of which index 1 has the smallest distance; rank 1: index 4.
  const std::vector<Scores> points{{0, 4}, {1, 2}, {3, 1}, {6, 0}, {7, 7}};
  CHECK(survivors(points, 3) == std::vector<std::size_t>{0, 2, 3});
  CHECK(survivors(points, 5) == std::vector<std::size_t>{0, 1, 2, 3, 4});
  CHECK(survivors(points, 9).size() == 5);
  CHECK(survivors({}, 3).empty());
}

TEST_CASE("a front keeps what nothing dominates, ordered by the first objective", "[search]") {
  ParetoFront front;
  CHECK(front.insert({0, {3, 1}}));
  CHECK(front.insert({1, {1, 3}}));
  CHECK_FALSE(front.insert({2, {3, 1}}));
  CHECK_FALSE(front.insert({3, {3, 4}}));
  CHECK(front.insert({4, {2, 0}}));
  REQUIRE(front.points().size() == 2);
  CHECK(front.points()[0].index == 1);
  CHECK(front.points()[1].index == 4);
  CHECK(front.hypervolume({4, 4}) == 3 * 1 + 2 * 3);
}

TEST_CASE("no point of a front dominates another, and rank 0 is the front", "[search][property]") {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Rng rng = Rng(5).stream("front", seed);
    const std::vector<Scores> points = random_points(rng, 1 + rng.below(30), 2 + rng.below(2));
    ParetoFront front;
    for (std::size_t i = 0; i < points.size(); ++i) front.insert({static_cast<int>(i), points[i]});
    const std::vector<int> ranks = non_dominated_ranks(points);
    INFO("seed " << seed);
    for (const FrontPoint& a : front.points()) {
      CHECK(ranks[static_cast<std::size_t>(a.index)] == 0);
      for (const FrontPoint& b : front.points()) CHECK_FALSE(dominates(a.scores, b.scores));
    }
    std::vector<Scores> best;
    for (std::size_t i = 0; i < points.size(); ++i) {
      if (ranks[i] == 0) best.push_back(points[i]);
    }
    std::sort(best.begin(), best.end());
    best.erase(std::unique(best.begin(), best.end()), best.end());
    CHECK(best.size() == front.points().size());
  }
}
