#pragma once

#include "search/proposal_source.hpp"

#include <vector>

namespace lathe::search {

/// What an evolution begins with: the ends of the space (smallest, largest) and the anchor, then up
/// to `uniform_share` of `count` uniform networks (search/uniform_networks.hpp), then uniform
/// samples; only what is feasible and new. Where more uniform networks fit than are wanted, they
/// are taken evenly along how much of the tightest bound they use (without bounds: along the first
/// cost), so that those at the budget are among them: the networks that a person would choose are
/// then candidates, and what is picked in the end has beaten them on the same images. A space with
/// more than kMostUniform of them gives none. Fewer than `count` where no more are found.
std::vector<Proposal> first_population(ProposalSource& source, int count, double uniform_share,
                                       const Rng& rng);

}  // namespace lathe::search
