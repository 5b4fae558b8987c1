#include "search/proposal_source.hpp"

#include "spaces/base/hash.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

namespace lathe::search {

ProposalSource::ProposalSource(const Feasibility& feasibility, int max_tries)
    : feasibility_(&feasibility), max_tries_(max_tries) {}

std::optional<Proposal> ProposalSource::claim(const spaces::Architecture& arch) {
  std::optional<Proposal> proposal = feasibility_->check(arch);
  if (!proposal || !proposed_.insert(proposal->identity).second) return std::nullopt;
  return proposal;
}

std::optional<Proposal> ProposalSource::random(Rng& rng) {
  const spaces::SearchSpace& space = feasibility_->space();
  for (int i = 0; i < max_tries_; ++i) {
    spaces::Architecture arch = space.sample(rng);
    std::optional<Proposal> proposal = claim(arch);
    if (!proposal && i >= max_tries_ / 2) proposal = repaired(std::move(arch), rng);
    if (proposal) return proposal;
  }
  return next_genotype();
}

std::optional<Proposal> ProposalSource::repaired(spaces::Architecture arch, Rng& rng) {
  std::vector<std::size_t> order(arch.genes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  rng.shuffle(order);
  for (std::size_t gene : order) {
    if (arch.genes[gene] == feasibility_->anchor().genes[gene]) continue;
    arch.genes[gene] = feasibility_->anchor().genes[gene];
    if (std::optional<Proposal> proposal = claim(arch)) return proposal;
  }
  return std::nullopt;
}

std::optional<Proposal> ProposalSource::next_genotype() {
  if (!feasibility_->genotypes()) return std::nullopt;
  while (visited_ < *feasibility_->genotypes()) {
    const std::optional<spaces::Architecture> arch = feasibility_->genotype(visited_++);
    if (!arch) continue;
    if (std::optional<Proposal> proposal = claim(*arch)) return proposal;
  }
  return std::nullopt;
}

nlohmann::json ProposalSource::state() const {
  std::vector<std::uint64_t> sorted(proposed_.begin(), proposed_.end());
  std::sort(sorted.begin(), sorted.end());
  std::string digits;
  for (std::uint64_t identity : sorted) digits += hex(identity);
  return {{"proposed", digits}, {"visited", visited_}};
}

void ProposalSource::restore(const nlohmann::json& state) {
  const std::string digits = state.at("proposed").get<std::string>();
  proposed_.clear();
  for (std::size_t i = 0; i + 16 <= digits.size(); i += 16) {
    proposed_.insert(std::stoull(digits.substr(i, 16), nullptr, 16));
  }
  visited_ = state.at("visited").get<std::size_t>();
}

}  // namespace lathe::search
