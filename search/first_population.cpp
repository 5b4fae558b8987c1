#include "search/first_population.hpp"

#include "search/uniform_networks.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace lathe::search {
namespace {

using spaces::Architecture;

/// The largest part of a bound that the proposal uses; without bounds its first cost.
double strain_of(const Proposal& proposal, const Feasibility& feasibility) {
  double worst = 0;
  bool bounded = false;
  for (std::size_t i = 0; i < proposal.costs.size(); ++i) {
    if (!feasibility.bounds()[i]) continue;
    bounded = true;
    worst = std::max(worst, proposal.costs[i] / *feasibility.bounds()[i]);
  }
  return bounded || proposal.costs.empty() ? worst : proposal.costs.front();
}

/// `count` of the feasible uniform networks, evenly along their strain, both ends among them.
std::vector<Architecture> uniform_along_strain(const Feasibility& feasibility, std::size_t count) {
  const auto all = uniform_networks(feasibility.space());
  if (!all || count == 0) return {};
  std::vector<std::pair<double, Architecture>> feasible;
  for (const Architecture& arch : *all) {
    if (const auto proposal = feasibility.check(arch)) {
      feasible.emplace_back(strain_of(*proposal, feasibility), arch);
    }
  }
  std::sort(feasible.begin(), feasible.end());
  const std::size_t taken = std::min(count, feasible.size());
  std::vector<Architecture> chosen;
  for (std::size_t i = 0; i < taken; ++i) {
    // One alone is the one nearest to the bounds.
    const std::size_t place =
        taken == 1 ? feasible.size() - 1 : i * (feasible.size() - 1) / (taken - 1);
    chosen.push_back(std::move(feasible[place].second));
  }
  return chosen;
}

}  // namespace

std::vector<Proposal> first_population(ProposalSource& source, int count, double uniform_share,
                                       const Rng& rng) {
  const Feasibility& feasibility = source.feasibility();
  const auto wanted = static_cast<std::size_t>(count);
  std::vector<Proposal> first;
  const auto offer = [&](const Architecture& arch) {
    if (first.size() >= wanted) return;
    if (auto proposal = source.claim(arch)) first.push_back(std::move(*proposal));
  };
  for (const Architecture& arch :
       {feasibility.space().smallest(), feasibility.space().largest(), feasibility.anchor()}) {
    offer(arch);
  }
  const auto share = static_cast<std::size_t>(uniform_share * count);
  for (const Architecture& arch : uniform_along_strain(feasibility, share)) offer(arch);
  while (first.size() < wanted) {
    Rng network = rng.stream("network", first.size());
    std::optional<Proposal> proposal = source.random(network);
    if (!proposal) break;
    first.push_back(std::move(*proposal));
  }
  return first;
}

}  // namespace lathe::search
