#pragma once

#include "latency/latency_model.hpp"
#include "search/evaluator.hpp"
#include "spaces/base/parallel.hpp"
#include "spaces/cost.hpp"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

namespace lathe::test {

/// An error made by a formula: falls with each block's MACs, by another weight at each place, so
/// that error and latency disagree about which blocks are worth their time. For tests only.
inline double formula_error(const spaces::NetworkSpec& net) {
  double worth = 0;
  for (std::size_t i = 0; i < net.blocks.size(); ++i) {
    const double weight = 0.6 + 0.4 * std::sin(2.1 * static_cast<double>(i));
    worth +=
        weight * std::log1p(static_cast<double>(spaces::count(net.blocks[i].block).macs) / 2e4);
  }
  return 0.05 + 0.9 * std::exp(-worth / 8);
}

/// Evaluates by formula_error on `workers` threads; fails networks for which `fails` says so.
class FormulaEvaluator final : public search::Evaluator {
 public:
  explicit FormulaEvaluator(int workers = 1) : workers_(workers) {}
  std::vector<std::string> supplies() const override { return {"error"}; }
  std::vector<std::variant<std::vector<double>, Failure>> evaluate(
      const std::vector<search::Proposal>& proposals) override {
    std::vector<std::variant<std::vector<double>, Failure>> results(proposals.size());
    parallel_for(proposals.size(), workers_, [&](std::size_t i) {
      const double error = formula_error(proposals[i].net);
      if (fail_below > error) {
        results[i] = Failure{"made to fail"};
      } else {
        results[i] = std::vector<double>{error};
      }
    });
    evaluations += proposals.size();
    return results;
  }

  double fail_below = 0;        ///< networks with a lower error fail
  std::size_t evaluations = 0;  ///< networks evaluated so far

 private:
  int workers_;
};

/// A latency made by a formula: 5 us a block and 1 ns per 500 MACs, more for small maps. For tests
/// only.
class FormulaLatency final : public latency::LatencyModel {
 public:
  explicit FormulaLatency(std::string name = "formula") : name_(std::move(name)) {}
  Micros predict(const spaces::NetworkSpec& net) const override {
    Micros total{0};
    for (const spaces::Placed& block : net.blocks) total += predict(block);
    return total;
  }
  Micros predict(const spaces::Placed& block) const override {
    const double macs = static_cast<double>(spaces::count(block.block).macs);
    const double side = block.block.in.empty() ? 1 : block.block.in.front().height;
    return Micros(5 + macs / 2000 * (1 + 4 / side));
  }
  const std::string& name() const override { return name_; }

 private:
  std::string name_;
};

}  // namespace lathe::test
