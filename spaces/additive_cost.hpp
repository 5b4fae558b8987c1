#pragma once

#include "spaces/search_space.hpp"

#include <functional>
#include <memory>

namespace lathe::spaces {

/// Sum of any per-block number (MACs, parameters, latency) straight from genes, millions a second.
/// Built by calling placed_at once per combination of the decisions that a position depends on;
/// adds in forward order, so that it equals decode-and-sum bit for bit. Safe to share between
/// threads.
class AdditiveCost {
 public:
  /// Calls cost once per distinct block at each position. Throws ConfigError naming the space if
  /// its tables would have more than `max_entries` entries; what cost throws passes through.
  AdditiveCost(const SearchSpace& space, const std::function<double(const Placed&)>& cost,
               std::size_t max_entries = std::size_t(1) << 24);

  /// For a canonical or any other architecture of that space.
  double operator()(const Architecture& arch) const;
  /// Sum over positions of the least (largest) entry: a bound that no network undercuts (exceeds).
  double lower_bound() const;
  double upper_bound() const;

 private:
  struct Tables;
  std::shared_ptr<const Tables> tables_;
};

}  // namespace lathe::spaces
