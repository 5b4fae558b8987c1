#pragma once

#include "search/feasibility.hpp"
#include "spaces/base/config_reader.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_set>

namespace lathe::search {

/// What every searcher needs: which networks the run has had, and new feasible ones, in a bounded
/// number of tries.
class ProposalSource {
 public:
  /// `feasibility` outlives this. `max_tries`: samples per network.
  ProposalSource(const Feasibility& feasibility, int max_tries);

  const Feasibility& feasibility() const { return *feasibility_; }
  /// Checks the architecture and notes it as proposed; nullopt: breaks a bound, or is not new.
  std::optional<Proposal> claim(const spaces::Architecture& arch);
  /// A feasible network that is new. First uniform samples; where a sample breaks a bound, in the
  /// second half of the tries its genes go over to the anchor's one by one in random order until it
  /// fits. Where that finds nothing and the space is small enough to be visited whole, the first
  /// new genotype. nullopt: nothing found, so that, in such a space, nothing is left.
  std::optional<Proposal> random(Rng& rng);

  /// The networks proposed so far, for resuming.
  nlohmann::json state() const;
  void restore(ConfigReader& state);

 private:
  std::optional<Proposal> repaired(spaces::Architecture arch, Rng& rng);
  std::optional<Proposal> enumerated();

  const Feasibility* feasibility_;
  int max_tries_;
  std::unordered_set<std::uint64_t> proposed_;  ///< identities
  /// Feasible and not new: saves decoding them again; not part of the state.
  std::unordered_set<spaces::Architecture, spaces::ArchitectureHash> known_;
  /// Genotypes up to this one are infeasible or proposed; nullopt: none was visited.
  std::optional<spaces::Architecture> visited_;
};

/// Choice indices of an architecture of the space: as many as it has decisions, each a choice.
void read_genes(ConfigReader& reader, const std::string& key, const spaces::SearchSpace& space,
                spaces::Architecture& arch);
/// A counter from 0, or another number of 64 bits without sign.
void read_counter(ConfigReader& reader, const std::string& key, std::uint64_t& value,
                  const std::string& meaning);

}  // namespace lathe::search
