#pragma once

#include "search/evaluator.hpp"
#include "spaces/architecture.hpp"

#include <unordered_map>
#include <variant>
#include <vector>

namespace lathe::search {

class OpenedSupernet;

/// Error on the validation images of subnets with recalibrated batch norm. Canonical networks that
/// it has seen are not run again. `workers` networks at a time, one torch thread each.
class SupernetEvaluator : public Evaluator {
 public:
  /// The supernet outlives it.
  SupernetEvaluator(const OpenedSupernet& supernet, int workers);

  std::vector<std::string> supplies() const override { return {"error"}; }
  std::vector<std::variant<std::vector<double>, Failure>> evaluate(
      const std::vector<Proposal>& proposals) override;

 private:
  using Result = std::variant<std::vector<double>, Failure>;

  const OpenedSupernet& supernet_;
  int workers_;
  std::unordered_map<spaces::Architecture, Result, spaces::ArchitectureHash> seen_;
};

}  // namespace lathe::search
