#pragma once

#include "search/candidate.hpp"

#include <string>
#include <variant>
#include <vector>

namespace lathe::search {

/// What only running (or a table of runs) tells about a network.
class Evaluator {
 public:
  virtual ~Evaluator() = default;
  /// Names of the objectives that it supplies, e.g. {"error"}; error in [0, 1].
  virtual std::vector<std::string> supplies() const = 0;
  /// In the order of `proposals`; the same values whatever the number of workers.
  virtual std::vector<std::variant<std::vector<double>, Failure>> evaluate(
      const std::vector<Proposal>& proposals) = 0;
};

}  // namespace lathe::search
