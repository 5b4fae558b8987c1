#include "search/torch/supernet_evaluator.hpp"

#include "search/torch/trained_supernet.hpp"
#include "spaces/base/parallel.hpp"

namespace lathe::search {

SupernetEvaluator::SupernetEvaluator(const OpenedSupernet& supernet, int workers)
    : supernet_(supernet), workers_(workers) {}

std::vector<std::variant<std::vector<double>, Failure>> SupernetEvaluator::evaluate(
    const std::vector<Proposal>& proposals) {
  std::vector<const Proposal*> fresh;
  for (const Proposal& proposal : proposals) {
    if (seen_.emplace(proposal.arch, Failure{"not evaluated"}).second) fresh.push_back(&proposal);
  }
  std::vector<Result> results(fresh.size(), Failure{});
  parallel_for(fresh.size(), workers_, [&](std::size_t i) {
    const auto judged = supernet_.judge(fresh[i]->net, Split::val);
    if (const auto* failure = std::get_if<Failure>(&judged)) {
      results[i] = *failure;
    } else {
      results[i] = std::vector<double>{1.0 - std::get<Accuracy>(judged).accuracy};
    }
  });
  for (std::size_t i = 0; i < fresh.size(); ++i) seen_.at(fresh[i]->arch) = results[i];
  std::vector<Result> all;
  for (const Proposal& proposal : proposals) all.push_back(seen_.at(proposal.arch));
  return all;
}

}  // namespace lathe::search
