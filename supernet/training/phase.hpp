#pragma once

#include "spaces/base/rng.hpp"
#include "spaces/search_space.hpp"
#include "supernet/training/train_config.hpp"

#include <vector>

namespace lathe::supernet {

/// Choice indices per decision of a space, ascending; one index: closed.
using OpenChoices = std::vector<std::vector<int>>;

/// A phase of the config, resolved against its space.
struct Phase {
  PhaseConfig config;
  OpenChoices open;
  spaces::Architecture smallest;  ///< each decision at its open choice with the fewest MACs
};

/// Resolves every phase. The largest network stays open in all of them, so that it can be watched
/// throughout. Throws ConfigError naming the phase and key: a kind that the space has not, a value
/// that no decision of the kind has, a decision left without a choice or without its largest one.
std::vector<Phase> plan_phases(const TrainConfig& config, const spaces::SearchSpace& space);

/// What two phases open together.
OpenChoices unite(const OpenChoices& a, const OpenChoices& b);

/// Index of the decision "resolution", or -1 where the space has none.
int resolution_decision(const spaces::SearchSpace& space);

/// A network of the open choices, uniform in each decision, canonical; but for the resolution,
/// which is the given choice (ignored where the space has none): one batch has one resolution.
spaces::Architecture sample_open(const spaces::SearchSpace& space, const OpenChoices& open,
                                 int resolution_choice, Rng rng);

/// The network at that choice of resolution (ignored where the space has none).
spaces::Architecture at_resolution(const spaces::SearchSpace& space, spaces::Architecture arch,
                                   int resolution_choice);

/// The networks that one batch trains, at one resolution: `subnets_per_step` drawn ones (OFA, Cai
/// et al. 2020); or, with the sandwich rule (Yu & Huang 2019, section 3.3; Yu et al. 2020), the
/// largest, drawn ones, and last the smallest that is open.
std::vector<spaces::Architecture> step_networks(const spaces::SearchSpace& space,
                                                const Phase& phase, int resolution_choice,
                                                const Rng& rng);

/// A rough relative cost of one step, for progress: MACs of one image, three times for each trained
/// network (forward, and backward for input and weight; a drawn one counts as half the sum of
/// largest and smallest), once for a teacher that is not trained.
double step_cost(const spaces::SearchSpace& space, const Phase& phase);

}  // namespace lathe::supernet
