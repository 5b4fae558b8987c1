#pragma once

#include "search/proposal_source.hpp"
#include "search/searcher.hpp"
#include "spaces/base/config_reader.hpp"

#include <string>
#include <vector>

namespace lathe::search {

struct EvolutionConfig {
  int population = 64;
  double crossover_probability = 0.9;
  double mutate_probability = 0.1;
  double uniform_share = 0.5;
  int max_tries = 200;
  void read(ConfigReader& reader);
};

/// NSGA-II (Deb et al. 2002) over genes: binary tournament by rank and crowding, uniform crossover,
/// mutation per gene to another choice, survivors by rank and then crowding. As in OFA's search
/// (Cai et al. 2020) a bound is hard: what breaks it is never proposed. No network is proposed
/// twice; where a child cannot be had in `max_tries`, a random feasible network takes its place.
/// The first population is search/first_population.hpp's.
class EvolutionSearcher final : public Searcher {
 public:
  EvolutionSearcher(const Feasibility& feasibility, const EvolutionConfig& config, const Rng& rng);
  std::vector<Proposal> ask() override;
  void tell(const std::vector<Evaluated>& results) override;
  nlohmann::json state() const override;
  void restore(ConfigReader& state) override;

  struct Member {
    spaces::Architecture arch;
    Scores scores;
  };
  /// The survivors, best rank first.
  const std::vector<Member>& population() const { return population_; }

 private:
  std::optional<Proposal> child(Rng& rng);
  const Member& tournament(Rng& rng) const;
  void rank();

  EvolutionConfig config_;
  Rng rng_;
  ProposalSource source_;
  std::uint64_t generation_ = 0;
  std::vector<Member> population_;
  std::vector<int> ranks_;        ///< of population_
  std::vector<double> crowding_;  ///< of population_, within each rank
};

/// The indices of the `count` points that survive: whole ranks first, the last one cut by crowding
/// distance (larger first; ties: the earlier point). Ordered by rank, then index.
std::vector<std::size_t> survivors(const std::vector<Scores>& points, std::size_t count);

}  // namespace lathe::search
