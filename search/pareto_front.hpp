#pragma once

#include "search/candidate.hpp"

#include <vector>

namespace lathe::search {

/// a is at most b in every objective and less in one. Same length; LogicError on NaN.
bool dominates(const Scores& a, const Scores& b);

/// Rank of every point: 0 for the non-dominated ones, then those that only ranks below dominate,
/// and so on (fast non-dominated sort, Deb et al. 2002). O(m n^2) for m objectives.
std::vector<int> non_dominated_ranks(const std::vector<Scores>& points);

/// Crowding distance of every point among all of them (Deb et al. 2002, section III-B): the sum
/// over objectives of the gap between both neighbours, over the objective's range. The ends are
/// infinite; a range of zero adds nothing; of points with equal scores all but the first get 0. O(m
/// n log n).
std::vector<double> crowding_distances(const std::vector<Scores>& points);

/// A point of a front and which evaluation it was.
struct FrontPoint {
  int index = 0;  ///< in the order of evaluation
  Scores scores;
};

/// The non-dominated of all points that were offered, for any number of objectives.
class ParetoFront {
 public:
  /// False: dominated by, or equal to, a point that is there. Drops what the new point dominates.
  /// O(n). LogicError on NaN.
  bool insert(FrontPoint point);
  /// By the first objective, ascending; ties by the next ones.
  const std::vector<FrontPoint>& points() const { return points_; }
  double hypervolume(const Scores& reference) const;

 private:
  std::vector<FrontPoint> points_;
};

}  // namespace lathe::search
