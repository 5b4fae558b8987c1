#pragma once

#include "search/proposal_source.hpp"
#include "search/searcher.hpp"
#include "spaces/base/config_reader.hpp"

namespace lathe::search {

struct LocalConfig {
  int batch = 16;
  int max_tries = 200;
  void read(ConfigReader& reader);
};

/// Changes one decision of the network with the lowest first objective.
class LocalSearcher final : public Searcher {
 public:
  LocalSearcher(const Feasibility& feasibility, const LocalConfig& config, const Rng& rng);
  std::vector<Proposal> ask() override;
  void tell(const std::vector<Evaluated>& results) override;
  nlohmann::json state() const override;
  void restore(ConfigReader& state) override;

 private:
  std::optional<Proposal> neighbour(Rng& rng);

  LocalConfig config_;
  Rng rng_;
  ProposalSource source_;
  std::uint64_t round_ = 0;
  spaces::Architecture best_;  ///< no genes: none yet
  double least_ = 0;
};

}  // namespace lathe::search
