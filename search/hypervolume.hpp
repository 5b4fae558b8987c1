#pragma once

#include "search/candidate.hpp"

#include <vector>

namespace lathe::search {

/// Lebesgue measure of the union of the boxes [a, reference] over all points a (all objectives are
/// minimised). Points that are not below the reference in every objective add nothing. Exact: two
/// objectives by one sweep, O(n log n); d > 2 by slicing along the last objective (Knowles 2002,
/// HSO of While et al. 2006), O(n^(d-1) log n). No point: 0. Throws LogicError on NaN or if the
/// numbers of objectives differ.
double hypervolume(const std::vector<Scores>& points, const Scores& reference);

}  // namespace lathe::search
