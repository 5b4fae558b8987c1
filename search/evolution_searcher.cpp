#include "search/evolution_searcher.hpp"

#include "search/first_population.hpp"
#include "search/pareto_front.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <limits>

namespace lathe::search {
namespace {

using spaces::Architecture;

/// Each gene from either parent.
Architecture cross(const Architecture& a, const Architecture& b, Rng& rng) {
  Architecture child = a;
  for (std::size_t i = 0; i < child.genes.size(); ++i) {
    if (rng.chance(0.5)) child.genes[i] = b.genes[i];
  }
  return child;
}

/// Each gene with `probability` to another of its choices.
void mutate(Architecture& arch, const spaces::SearchSpace& space, double probability, Rng& rng) {
  for (std::size_t i = 0; i < arch.genes.size(); ++i) {
    const int choices = static_cast<int>(space.decisions()[i].choices.size());
    if (choices < 2 || !rng.chance(probability)) continue;
    const int step = 1 + rng.below(choices - 1);
    arch.genes[i] = static_cast<std::uint8_t>((arch.genes[i] + step) % choices);
  }
}

std::vector<Scores> scores_of(const std::vector<EvolutionSearcher::Member>& members) {
  std::vector<Scores> scores;
  for (const auto& member : members) scores.push_back(member.scores);
  return scores;
}

/// Crowding distance of every point among those of its own rank.
std::vector<double> crowding_by_rank(const std::vector<Scores>& points,
                                     const std::vector<int>& ranks) {
  std::vector<double> all(points.size(), 0);
  const int worst = ranks.empty() ? -1 : *std::max_element(ranks.begin(), ranks.end());
  for (int rank = 0; rank <= worst; ++rank) {
    std::vector<std::size_t> members;
    std::vector<Scores> front;
    for (std::size_t i = 0; i < points.size(); ++i) {
      if (ranks[i] != rank) continue;
      members.push_back(i);
      front.push_back(points[i]);
    }
    const std::vector<double> distances = crowding_distances(front);
    for (std::size_t i = 0; i < members.size(); ++i) all[members[i]] = distances[i];
  }
  return all;
}

}  // namespace

std::vector<std::size_t> survivors(const std::vector<Scores>& points, std::size_t count) {
  const std::vector<int> ranks = non_dominated_ranks(points);
  const std::vector<double> crowding = crowding_by_rank(points, ranks);
  std::vector<std::size_t> order(points.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return ranks[a] != ranks[b] ? ranks[a] < ranks[b] : crowding[a] > crowding[b];
  });
  if (order.size() > count) order.resize(count);
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return ranks[a] != ranks[b] ? ranks[a] < ranks[b] : a < b;
  });
  return order;
}

void EvolutionConfig::read(ConfigReader& reader) {
  reader.integer("population", population, {4, 4096},
                 "evolution: networks kept, and proposed, per generation");
  reader.number("crossover_probability", crossover_probability, {0, 1},
                "evolution: chance that a child has two parents");
  reader.number("mutate_probability", mutate_probability, {0, 1},
                "evolution: chance that one decision changes");
  reader.number("uniform_share", uniform_share, {0, 1},
                "evolution: part of the first population that is uniform networks (one kernel, one "
                "expansion, one depth everywhere), where feasible");
  reader.integer("max_tries", max_tries, {10, 1000000},
                 "evolution: children made, and then samples drawn, per network, at most");
}

EvolutionSearcher::EvolutionSearcher(const Feasibility& feasibility, const EvolutionConfig& config,
                                     const Rng& rng)
    : config_(config), rng_(rng), source_(feasibility, config.max_tries) {}

std::vector<Proposal> EvolutionSearcher::ask() {
  if (population_.empty()) {
    return first_population(source_, config_.population, config_.uniform_share,
                            rng_.stream("evolution/first", generation_));
  }
  const Rng generation = rng_.stream("evolution/generation", generation_);
  std::vector<Proposal> children;
  for (int i = 0; i < config_.population; ++i) {
    Rng rng = generation.stream("child", static_cast<std::uint64_t>(i));
    std::optional<Proposal> proposal = child(rng);
    if (!proposal) proposal = source_.random(rng);
    if (!proposal) break;
    children.push_back(std::move(*proposal));
  }
  return children;
}

std::optional<Proposal> EvolutionSearcher::child(Rng& rng) {
  const spaces::SearchSpace& space = source_.feasibility().space();
  for (int i = 0; i < config_.max_tries; ++i) {
    Architecture arch = tournament(rng).arch;
    if (rng.chance(config_.crossover_probability)) arch = cross(arch, tournament(rng).arch, rng);
    mutate(arch, space, config_.mutate_probability, rng);
    if (std::optional<Proposal> proposal = source_.claim(arch)) return proposal;
  }
  return std::nullopt;
}

const EvolutionSearcher::Member& EvolutionSearcher::tournament(Rng& rng) const {
  const auto a = static_cast<std::size_t>(rng.below(static_cast<int>(population_.size())));
  const auto b = static_cast<std::size_t>(rng.below(static_cast<int>(population_.size())));
  const bool second =
      ranks_[b] < ranks_[a] || (ranks_[b] == ranks_[a] && crowding_[b] > crowding_[a]);
  return population_[second ? b : a];
}

void EvolutionSearcher::tell(const std::vector<Evaluated>& results) {
  for (const Evaluated& result : results) {
    if (const auto* scores = std::get_if<Scores>(&result.scores)) {
      population_.push_back({result.proposal.arch, *scores});
    }
  }
  std::vector<Member> kept;
  for (std::size_t i :
       survivors(scores_of(population_), static_cast<std::size_t>(config_.population))) {
    kept.push_back(std::move(population_[i]));
  }
  population_ = std::move(kept);
  ++generation_;
  rank();
}

void EvolutionSearcher::rank() {
  const std::vector<Scores> points = scores_of(population_);
  ranks_ = non_dominated_ranks(points);
  crowding_ = crowding_by_rank(points, ranks_);
}

nlohmann::json EvolutionSearcher::state() const {
  nlohmann::json members = nlohmann::json::array();
  for (const Member& member : population_) {
    members.push_back({{"genes", member.arch.genes}, {"scores", member.scores}});
  }
  return {{"generation", generation_}, {"population", members}, {"source", source_.state()}};
}

void EvolutionSearcher::restore(ConfigReader& state) {
  constexpr double kMost = std::numeric_limits<double>::max();
  read_counter(state, "generation", generation_, "rounds so far");
  population_.clear();
  const auto read_member = [this](ConfigReader& r, std::size_t index) {
    Member& member = population_.emplace_back();
    read_genes(r, "genes", source_.feasibility().space(), member.arch);
    r.required().numbers("scores", member.scores, {-kMost, kMost}, "values of the objectives");
    const std::size_t objectives = population_.front().scores.size();
    if (member.scores.empty() || member.scores.size() != objectives) {
      r.refuse("scores", index == 0 ? "at least one score" : std::to_string(objectives) + " scores",
               std::to_string(member.scores.size()));
    }
  };
  state.required().objects("population", read_member, "the survivors");
  state.required().object(
      "source", [this](ConfigReader& r) { source_.restore(r); }, "networks proposed");
  rank();
}

}  // namespace lathe::search
