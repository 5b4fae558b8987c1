#pragma once

#include "spaces/architecture.hpp"
#include "spaces/base/error.hpp"
#include "spaces/network.hpp"

#include <cstdint>
#include <variant>
#include <vector>

namespace lathe::search {

/// Values to minimise, in the run's order of objectives; units as in search/constraint.hpp.
using Scores = std::vector<double>;

/// A feasible architecture, decoded and costed once.
struct Proposal {
  spaces::Architecture arch;  ///< canonical
  spaces::NetworkSpec net;
  std::vector<double> costs;  ///< in the order of Feasibility::costs()
  /// Equal for two proposals exactly if the evaluator cannot tell them apart
  /// (Feasibility::Identity).
  std::uint64_t identity = 0;
};

/// A proposal and what came of it; a failure is this network's own and the search goes on.
struct Evaluated {
  Proposal proposal;
  std::variant<Scores, Failure> scores;
};

}  // namespace lathe::search
