#pragma once

#include "spaces/search_space.hpp"

#include <optional>
#include <vector>

namespace lathe::search {

/// The networks of a space that a person would write down: one choice for all decisions whose names
/// end alike ("stage1.2.kernel" and "stage3.1.kernel" share "kernel"), for every combination of
/// these choices. Decisions that end alike share by value what all of them offer; where they have
/// no value in common, by the place in their lists. Canonical, without repetition, in order of
/// enumeration. nullopt if there are more than kMostUniform combinations.
std::optional<std::vector<spaces::Architecture>> uniform_networks(const spaces::SearchSpace& space);
constexpr std::size_t kMostUniform = 100000;

}  // namespace lathe::search
