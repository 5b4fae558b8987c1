#pragma once

#include "search/proposal_source.hpp"
#include "search/searcher.hpp"
#include "spaces/base/config_reader.hpp"

namespace lathe::search {

struct RandomConfig {
  int batch = 16;
  int max_tries = 1000;
  void read(ConfigReader& reader);
};

/// Uniform samples of the feasible networks, each once (as long as samples hit, see
/// ProposalSource): the baseline that every other searcher is compared with (Li and Talwalkar
/// 2019).
class RandomSearcher final : public Searcher {
 public:
  RandomSearcher(const Feasibility& feasibility, const RandomConfig& config, const Rng& rng);
  std::vector<Proposal> ask() override;
  void tell(const std::vector<Evaluated>& results) override;
  nlohmann::json state() const override;
  void restore(ConfigReader& state) override;

 private:
  RandomConfig config_;
  Rng rng_;
  ProposalSource source_;
  std::uint64_t round_ = 0;
};

}  // namespace lathe::search
