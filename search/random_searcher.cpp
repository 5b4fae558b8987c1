#include "search/random_searcher.hpp"

#include <nlohmann/json.hpp>

namespace lathe::search {

void RandomConfig::read(ConfigReader& reader) {
  reader.integer("batch", batch, {1, 4096}, "random: networks proposed per round");
  reader.integer("max_tries", max_tries, {10, 1000000}, "random: samples per network, at most");
}

RandomSearcher::RandomSearcher(const Feasibility& feasibility, const RandomConfig& config,
                               const Rng& rng)
    : config_(config), rng_(rng), source_(feasibility, config.max_tries) {}

std::vector<Proposal> RandomSearcher::ask() {
  const Rng round = rng_.stream("random/round", round_);
  std::vector<Proposal> batch;
  for (int i = 0; i < config_.batch; ++i) {
    Rng rng = round.stream("network", static_cast<std::uint64_t>(i));
    std::optional<Proposal> proposal = source_.random(rng);
    if (!proposal) break;
    batch.push_back(std::move(*proposal));
  }
  return batch;
}

void RandomSearcher::tell(const std::vector<Evaluated>&) { ++round_; }

nlohmann::json RandomSearcher::state() const {
  return {{"round", round_}, {"source", source_.state()}};
}

void RandomSearcher::restore(ConfigReader& state) {
  read_counter(state, "round", round_, "rounds so far");
  state.required().object(
      "source", [this](ConfigReader& r) { source_.restore(r); }, "networks proposed");
}

}  // namespace lathe::search
