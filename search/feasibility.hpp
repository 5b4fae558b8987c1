#pragma once

#include "latency/latency_model.hpp"
#include "search/candidate.hpp"
#include "search/constraint.hpp"
#include "spaces/search_space.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lathe::search {

/// Latency models by the name of their table.
using LatencyModels = std::map<std::string, std::shared_ptr<const latency::LatencyModel>>;

/// Throws MissingEntry that lists the blocks which the space can reach and the table lacks (count,
/// the first ones, the command that measures them); `file` is the table's.
void require_all_blocks(const spaces::SearchSpace& space, const latency::LatencyTable& table,
                        const std::string& file);

/// All genes 0: the first architecture in the order of counting.
spaces::Architecture first_genotype(const spaces::SearchSpace& space);
/// The canonical architecture after `arch` in that order, the last decision fastest; nullopt after
/// the last one.
std::optional<spaces::Architecture> next_genotype(const spaces::SearchSpace& space,
                                                  spaces::Architecture arch);

/// How far one cost can go in a space. For a space of at most Options::enumerate genotypes the
/// range is exact; else `least` and `most` are of real networks, found by descent, and no network
/// is below `bound`.
struct Reach {
  double least = 0, most = 0;
  double bound = 0;    ///< equal to `least` if exact; 0 where nothing is known (memory)
  bool exact = false;  ///< no network is outside least to most
};

/// Which networks a search may propose: the space, the cost models of all devices, the bounds. The
/// one place where the budget meets a prediction. Immutable, safe to share between threads.
class Feasibility {
 public:
  /// When two networks count as the same: by their weights (canonical genes; a supernet) or by what
  /// they compute (network_id; a table of stand-alone trainings).
  enum class Identity { weights, function };
  struct Options {
    /// Further condition on a canonical architecture; empty: none.
    std::function<bool(const spaces::Architecture&)> admits;
    Identity identity = Identity::weights;
    std::size_t enumerate = std::size_t(1) << 16;  ///< genotypes; more are not enumerated
  };

  /// Costs are what `objectives` (but for the error) and `constraints` name. Throws ConfigError
  /// where a latency has no table or several, MissingEntry where a table lacks a block,
  /// InfeasibleError where no network meets the constraints: "no network of SPACE within 12 ms:
  /// reachable range 14.2-61.0 ms".
  Feasibility(const spaces::SearchSpace& space, const std::vector<std::string>& objectives,
              const std::vector<Constraint>& constraints, const LatencyModels& models,
              const Options& options);

  const spaces::SearchSpace& space() const { return space_; }
  const std::vector<std::string>& costs() const { return names_; }
  /// Index into costs(); nullopt for another name.
  std::optional<std::size_t> find_cost(const std::string& name) const;
  /// In the order of costs(), "middle" resolved (to three significant digits).
  const std::vector<std::optional<double>>& bounds() const { return bounds_; }
  const std::vector<Reach>& reach() const { return reach_; }

  /// The proposal, or nullopt if it breaks a bound. Additive costs come first; the network is
  /// decoded only if they pass.
  std::optional<Proposal> check(const spaces::Architecture& arch) const;
  /// As check, whatever it costs and whether or not it is admitted.
  Proposal propose(const spaces::Architecture& arch) const;
  /// A feasible architecture, far from the bounds: what repairs move towards.
  const spaces::Architecture& anchor() const { return anchor_; }
  /// True if all genotypes of the space can be visited by next_genotype (Options::enumerate).
  bool enumerable() const { return enumerable_; }

 private:
  struct Cost {
    std::function<double(const spaces::Architecture&)> of;     ///< additive, or empty
    std::function<double(const spaces::NetworkSpec&)> of_net;  ///< where not additive
    double lower_bound = 0;
  };
  void add_cost(const std::string& name, const LatencyModels& models);
  double cost(std::size_t index, const spaces::Architecture& arch) const;
  double strain(const spaces::Architecture& arch) const;
  void enumerate_reach();
  void descend_reach();
  void resolve_bounds(const std::vector<Constraint>& constraints);
  void find_anchor();
  [[noreturn]] void refuse_bounds() const;

  spaces::SearchSpace space_;
  Options options_;
  std::vector<std::string> names_;
  std::vector<Cost> costs_;
  std::vector<std::optional<double>> bounds_;
  std::vector<Reach> reach_;
  spaces::Architecture anchor_;
  bool enumerable_ = false;
  std::vector<spaces::Architecture> extremes_;  ///< the networks of least and largest cost
};

}  // namespace lathe::search
