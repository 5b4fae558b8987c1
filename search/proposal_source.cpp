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
  spaces::Architecture same = feasibility_->space().canonical(arch);
  if (known_.count(same) > 0) return std::nullopt;
  std::optional<Proposal> proposal = feasibility_->check(same);
  if (!proposal) return std::nullopt;
  known_.insert(std::move(same));
  if (!proposed_.insert(proposal->identity).second) return std::nullopt;
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
  return enumerated();
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

std::optional<Proposal> ProposalSource::enumerated() {
  if (!feasibility_->enumerable()) return std::nullopt;
  const spaces::SearchSpace& space = feasibility_->space();
  while (true) {
    const std::optional<spaces::Architecture> next =
        visited_ ? next_genotype(space, *visited_) : first_genotype(space);
    if (!next) return std::nullopt;
    visited_ = next;
    if (std::optional<Proposal> proposal = claim(*next)) return proposal;
  }
}

nlohmann::json ProposalSource::state() const {
  std::vector<std::uint64_t> sorted(proposed_.begin(), proposed_.end());
  std::sort(sorted.begin(), sorted.end());
  std::string digits;
  for (std::uint64_t identity : sorted) digits += hex(identity);
  nlohmann::json state{{"proposed", digits}};
  if (visited_) state["visited"] = visited_->genes;
  return state;
}

void ProposalSource::restore(const nlohmann::json& state) {
  const std::string digits = state.at("proposed").get<std::string>();
  proposed_.clear();
  for (std::size_t i = 0; i + 16 <= digits.size(); i += 16) {
    proposed_.insert(std::stoull(digits.substr(i, 16), nullptr, 16));
  }
  visited_.reset();
  if (state.contains("visited")) {
    visited_.emplace().genes = state.at("visited").get<std::vector<std::uint8_t>>();
  }
}

}  // namespace lathe::search
