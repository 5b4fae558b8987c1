#include "tests/search/local_searcher.hpp"

#include <nlohmann/json.hpp>

#include <limits>

namespace lathe::search {

void LocalConfig::read(ConfigReader& reader) {
  reader.integer("batch", batch, {1, 4096}, "local: networks proposed per round");
  reader.integer("max_tries", max_tries, {10, 1000000}, "local: tries per network, at most");
}

LocalSearcher::LocalSearcher(const Feasibility& feasibility, const LocalConfig& config,
                             const Rng& rng)
    : config_(config), rng_(rng), source_(feasibility, config.max_tries) {}

std::optional<Proposal> LocalSearcher::neighbour(Rng& rng) {
  const auto& decisions = source_.feasibility().space().decisions();
  for (int i = 0; i < config_.max_tries && !best_.genes.empty(); ++i) {
    spaces::Architecture arch = best_;
    const auto d = rng.below64(decisions.size());
    const auto choices = static_cast<int>(decisions[d].choices.size());
    arch.genes[d] = static_cast<std::uint8_t>(rng.below(choices));
    if (auto proposal = source_.claim(arch)) return proposal;
  }
  return std::nullopt;
}

std::vector<Proposal> LocalSearcher::ask() {
  const Rng round = rng_.stream("local/round", round_);
  std::vector<Proposal> batch;
  for (int i = 0; i < config_.batch; ++i) {
    Rng rng = round.stream("network", static_cast<std::uint64_t>(i));
    auto proposal = neighbour(rng);
    if (!proposal) proposal = source_.random(rng);
    if (!proposal) break;
    batch.push_back(std::move(*proposal));
  }
  return batch;
}

void LocalSearcher::tell(const std::vector<Evaluated>& results) {
  for (const Evaluated& result : results) {
    const auto* scores = std::get_if<Scores>(&result.scores);
    if (scores == nullptr || (!best_.genes.empty() && scores->front() >= least_)) continue;
    best_ = result.proposal.arch;
    least_ = scores->front();
  }
  ++round_;
}

nlohmann::json LocalSearcher::state() const {
  nlohmann::json state = {{"round", round_}, {"least", least_}, {"source", source_.state()}};
  if (!best_.genes.empty()) state["best"] = best_.genes;
  return state;
}

void LocalSearcher::restore(ConfigReader& state) {
  constexpr double kMost = std::numeric_limits<double>::max();
  read_counter(state, "round", round_, "rounds so far");
  best_.genes.clear();
  if (state.has("best")) read_genes(state, "best", source_.feasibility().space(), best_);
  state.required().number("least", least_, {-kMost, kMost}, "its error");
  state.required().object(
      "source", [this](ConfigReader& r) { source_.restore(r); }, "networks proposed");
}

}  // namespace lathe::search
