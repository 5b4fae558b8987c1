#pragma once

#include "spaces/architecture.hpp"
#include "spaces/base/error.hpp"
#include "spaces/network.hpp"

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace lathe::search {

/// One quantity to minimise, or to keep below a bound, or both. The name fixes the unit: error in
/// [0, 1]; latency and latency.NAME in ms; macs and params counts; memory and size bytes.
struct Objective {
  std::string name;
  std::optional<double> bound;
};

/// In the run's order of objectives.
using Scores = std::vector<double>;

/// A feasible architecture, decoded and costed once.
struct Proposal {
  spaces::Architecture arch;  ///< canonical
  spaces::NetworkSpec net;
  std::vector<double> costs;  ///< in the order of Feasibility::costs()
};

struct Evaluated {
  Proposal proposal;
  std::variant<Scores, Failure> scores;
};

}  // namespace lathe::search
