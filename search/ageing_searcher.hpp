#pragma once

#include "search/proposal_source.hpp"
#include "search/searcher.hpp"
#include "spaces/base/config_reader.hpp"

#include <deque>
#include <map>
#include <string>
#include <vector>

namespace lathe::search {

struct AgeingConfig {
  int population = 100;
  int sample = 25;
  int batch = 8;
  double mutate_probability = 0.05;
  double uniform_share = 0.5;
  int max_tries = 200;
  /// By objective: what its price is in accuracy.
  std::map<std::string, double> exponents;

  /// ConfigError where sample or batch is larger than population.
  void read(ConfigReader& reader);
  /// Refuses what can't be weighed: an objective other than the error without an exponent, an
  /// exponent of what is no objective. ConfigError.
  void check(const ConfigReader& reader, const std::vector<std::string>& objectives) const;
};

/// Ageing evolution, also called regularised evolution (Real et al. 2019, algorithm 1): of `sample`
/// members drawn with replacement the best is the parent; its child has one active decision changed
/// to another choice (every other one with `mutate_probability`; what a change makes active is
/// drawn uniformly); the oldest members die, however good they are, so that a network that was
/// lucky once does not stay. A child that was evaluated before is born again with its known result
/// and costs nothing (the published algorithm trains it again): so what is good lives on through
/// its children without being proposed twice. `batch` children are made from one population, so
/// that as many can be evaluated at the same time; 1 is the published algorithm. Where no new child
/// is had in `max_tries`, a random feasible network takes its place. The first population is
/// search/first_population.hpp's.
///
/// One number decides who is better. Where the error is the only objective it is the error. Else it
/// is MnasNet's (Tan et al. 2019, eq. 3) weighted product (1 - error) * product of cost ^
/// -exponent, which is maximised; its constant target changes no order. Bounds are hard as
/// everywhere.
class AgeingSearcher final : public Searcher {
 public:
  /// `objectives` are the run's, "error" among them, each other one with an exponent (LogicError).
  AgeingSearcher(const Feasibility& feasibility, const AgeingConfig& config,
                 const std::vector<std::string>& objectives, const Rng& rng);
  std::vector<Proposal> ask() override;
  void tell(const std::vector<Evaluated>& results) override;
  nlohmann::json state() const override;
  void restore(ConfigReader& state) override;

  /// Lower is better: the error, or minus the logarithm of the weighted product.
  double loss(const Scores& scores) const;
  struct Member {
    spaces::Architecture arch;
    double loss = 0;
  };
  /// Oldest first.
  const std::deque<Member>& population() const { return population_; }

 private:
  std::optional<Proposal> child(Rng& rng);
  void be_born(Member member);
  const Member& tournament(Rng& rng) const;
  spaces::Architecture mutated(const spaces::Architecture& parent, Rng& rng) const;

  AgeingConfig config_;
  std::size_t error_ = 0;          ///< its place among the objectives
  std::vector<double> exponents_;  ///< per objective, 0 for the error; empty: it is alone
  Rng rng_;
  ProposalSource source_;
  std::uint64_t round_ = 0;
  std::deque<Member> population_;
  std::map<spaces::Architecture, double> history_;  ///< loss of all that were evaluated
};

}  // namespace lathe::search
