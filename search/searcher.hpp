#pragma once

#include "search/candidate.hpp"
#include "spaces/base/config_reader.hpp"

#include <nlohmann/json_fwd.hpp>

#include <vector>

namespace lathe::search {

/// Proposes and learns; never evaluates. Built with a `const Feasibility&`, which outlives it, and
/// an Rng stream of its own.
class Searcher {
 public:
  virtual ~Searcher() = default;
  /// Feasible, new within the run; empty: nothing left to propose.
  virtual std::vector<Proposal> ask() = 0;
  /// Results of the last ask, in its order.
  virtual void tell(const std::vector<Evaluated>& results) = 0;
  /// Enough to resume byte for byte, between a tell and the next ask.
  virtual nlohmann::json state() const = 0;
  /// Reads what state() wrote. Throws through the reader where it is not that, or of another space.
  virtual void restore(ConfigReader& state) = 0;
};

}  // namespace lathe::search
