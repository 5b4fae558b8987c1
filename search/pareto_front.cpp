#include "search/pareto_front.hpp"

#include "search/hypervolume.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace lathe::search {

bool dominates(const Scores& a, const Scores& b) {
  LATHE_CHECK(a.size() == b.size(), "points of different numbers of objectives");
  bool less = false, more = false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    LATHE_CHECK(!std::isnan(a[i]) && !std::isnan(b[i]), "a point holds NaN");
    less = less || a[i] < b[i];
    more = more || a[i] > b[i];
  }
  return less && !more;
}

std::vector<int> non_dominated_ranks(const std::vector<Scores>& points) {
  const std::size_t n = points.size();
  std::vector<int> ranks(n, 0), dominators(n, 0);
  std::vector<std::vector<std::size_t>> dominated(n);
  std::vector<std::size_t> front, next;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = i + 1; j < n; ++j) {
      if (dominates(points[i], points[j])) {
        dominated[i].push_back(j);
        ++dominators[j];
      } else if (dominates(points[j], points[i])) {
        dominated[j].push_back(i);
        ++dominators[i];
      }
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    if (dominators[i] == 0) front.push_back(i);
  }
  for (int rank = 0; !front.empty(); ++rank, front.swap(next), next.clear()) {
    for (std::size_t i : front) {
      ranks[i] = rank;
      for (std::size_t j : dominated[i]) {
        if (--dominators[j] == 0) next.push_back(j);
      }
    }
  }
  return ranks;
}

std::vector<double> crowding_distances(const std::vector<Scores>& points) {
  std::vector<double> distances(points.size(), 0);
  if (points.empty()) return distances;
  std::vector<std::size_t> distinct(points.size());
  std::iota(distinct.begin(), distinct.end(), std::size_t{0});
  std::stable_sort(distinct.begin(), distinct.end(),
                   [&](std::size_t a, std::size_t b) { return points[a] < points[b]; });
  distinct.erase(std::unique(distinct.begin(), distinct.end(),
                             [&](std::size_t a, std::size_t b) { return points[a] == points[b]; }),
                 distinct.end());
  for (std::size_t m = 0; m < points[0].size(); ++m) {
    std::stable_sort(distinct.begin(), distinct.end(),
                     [&](std::size_t a, std::size_t b) { return points[a][m] < points[b][m]; });
    const double range = points[distinct.back()][m] - points[distinct.front()][m];
    distances[distinct.front()] = distances[distinct.back()] =
        std::numeric_limits<double>::infinity();
    if (!(range > 0)) continue;
    for (std::size_t i = 1; i + 1 < distinct.size(); ++i) {
      distances[distinct[i]] += (points[distinct[i + 1]][m] - points[distinct[i - 1]][m]) / range;
    }
  }
  return distances;
}

bool ParetoFront::insert(FrontPoint point) {
  for (const FrontPoint& other : points_) {
    if (other.scores == point.scores || dominates(other.scores, point.scores)) return false;
  }
  for (double value : point.scores) LATHE_CHECK(!std::isnan(value), "a point holds NaN");
  points_.erase(
      std::remove_if(points_.begin(), points_.end(),
                     [&](const FrontPoint& p) { return dominates(point.scores, p.scores); }),
      points_.end());
  const auto place = std::lower_bound(
      points_.begin(), points_.end(), point,
      [](const FrontPoint& a, const FrontPoint& b) { return a.scores < b.scores; });
  points_.insert(place, std::move(point));
  return true;
}

double ParetoFront::hypervolume(const Scores& reference) const {
  std::vector<Scores> scores;
  for (const FrontPoint& point : points_) scores.push_back(point.scores);
  return search::hypervolume(scores, reference);
}

}  // namespace lathe::search
