#pragma once

#include "supernet/subnet.hpp"

#include <cstdint>
#include <vector>

namespace lathe::supernet {

/// Runs the network with batch norm folded and says of each image, in order, whether the largest
/// logit (the first of equals) is its label's: 1 or 0. Throws CheckFailed if a logit is not finite.
std::vector<std::uint8_t> evaluate(const Subnet& subnet, const BatchStream& batches);

/// Share of ones, in [0, 1]; 0 for none.
double accuracy_of(const std::vector<std::uint8_t>& correct);

}  // namespace lathe::supernet
