#include "search/hypervolume.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace lathe::search {
namespace {

/// Measure of the first `dimensions` coordinates; points lie below the reference.
double measure(std::vector<Scores> points, const Scores& reference, std::size_t dimensions) {
  if (points.empty()) return 0;
  if (dimensions == 1) {
    double least = std::numeric_limits<double>::infinity();
    for (const Scores& point : points) least = std::min(least, point[0]);
    return reference[0] - least;
  }
  const std::size_t last = dimensions - 1;
  if (dimensions == 2) {
    std::sort(points.begin(), points.end());
    double total = 0, height = reference[1];
    for (const Scores& point : points) {
      if (point[1] >= height) continue;
      total += (reference[0] - point[0]) * (height - point[1]);
      height = point[1];
    }
    return total;
  }
  std::stable_sort(points.begin(), points.end(),
                   [last](const Scores& a, const Scores& b) { return a[last] < b[last]; });
  double total = 0;
  std::vector<Scores> below;
  for (std::size_t i = 0; i < points.size(); ++i) {
    below.push_back(points[i]);
    const double next = i + 1 < points.size() ? points[i + 1][last] : reference[last];
    if (next > points[i][last]) total += (next - points[i][last]) * measure(below, reference, last);
  }
  return total;
}

}  // namespace

double hypervolume(const std::vector<Scores>& points, const Scores& reference) {
  LATHE_CHECK(!reference.empty(), "a hypervolume needs at least one objective");
  for (double value : reference) LATHE_CHECK(!std::isnan(value), "the reference point holds NaN");
  std::vector<Scores> inside;
  for (const Scores& point : points) {
    LATHE_CHECK(point.size() == reference.size(), "point and reference differ in length");
    bool below = true;
    for (std::size_t i = 0; i < point.size(); ++i) {
      LATHE_CHECK(!std::isnan(point[i]), "a point holds NaN");
      below = below && point[i] < reference[i];
    }
    if (below) inside.push_back(point);
  }
  return measure(std::move(inside), reference, reference.size());
}

}  // namespace lathe::search
