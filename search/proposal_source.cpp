#include "search/proposal_source.hpp"

#include "spaces/base/hash.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <limits>
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

void ProposalSource::restore(ConfigReader& state) {
  std::string digits;
  state.required().string("proposed", digits, "networks proposed: 16 hexadecimal digits each");
  const bool is_hex = digits.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!is_hex || digits.size() % 16 != 0) {
    state.refuse("proposed", "16 hexadecimal digits for each network", quote(digits));
  }
  proposed_.clear();
  for (std::size_t i = 0; i < digits.size(); i += 16) {
    proposed_.insert(std::stoull(digits.substr(i, 16), nullptr, 16));
  }
  visited_.reset();
  if (state.has("visited")) {
    read_genes(state, "visited", feasibility_->space(), visited_.emplace());
  }
}

void read_genes(ConfigReader& reader, const std::string& key, const spaces::SearchSpace& space,
                spaces::Architecture& arch) {
  const auto& decisions = space.decisions();
  std::vector<int> genes;
  reader.required().integers(key, genes, {0, 255}, "choice of each decision");
  if (genes.size() != decisions.size()) {
    reader.refuse(key, "a list of " + std::to_string(decisions.size()) + ", for " + space.name(),
                  "a list of " + std::to_string(genes.size()));
  }
  arch.genes.clear();
  for (std::size_t i = 0; i < genes.size(); ++i) {
    if (static_cast<std::size_t>(genes[i]) >= decisions[i].choices.size()) {
      reader.refuse(key,
                    "for " + decisions[i].name + " a choice below " +
                        std::to_string(decisions[i].choices.size()),
                    std::to_string(genes[i]));
    }
    arch.genes.push_back(static_cast<std::uint8_t>(genes[i]));
  }
}

void read_counter(ConfigReader& reader, const std::string& key, std::uint64_t& value,
                  const std::string& meaning) {
  std::int64_t read = 0;
  reader.required().integer64(key, read, {0, std::numeric_limits<std::int64_t>::max()}, meaning);
  value = static_cast<std::uint64_t>(read);
}

}  // namespace lathe::search
