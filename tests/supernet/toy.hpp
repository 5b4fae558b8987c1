#pragma once

#include "supernet/extract.hpp"
#include "supernet/supernet.hpp"

#include <vector>

namespace lathe::supernet {

/// A space by hand, small enough to reason about: a stem, two inverted bottlenecks with
/// squeeze-and-excite (the second may be absent), global pool and classifier. 12 x 12 images, 5
/// classes.
struct ToyChoice {
  int kernel = 7, mid = 48;  ///< kernel 3, 5, 7; mid 16, 24, 48
};
inline const std::vector<int> kToyKernels = {3, 5, 7};
inline const std::vector<int> kToyMids = {16, 24, 48};

/// Slots: 0 "stem", 1 "stage1.1", 2 "stage1.2", 3 "pool", 4 "classifier".
Slots toy_slots(bool kernel_transform = true);
/// One choice a bottleneck: one or two.
spaces::NetworkSpec toy_net(const std::vector<ToyChoice>& bottlenecks);
/// All 9 + 81 networks.
std::vector<spaces::NetworkSpec> toy_nets();

/// A list of blocks that share one slot "only", and the network of each alone.
Slots slots_of_blocks(const std::vector<spaces::BlockSpec>& blocks, bool kernel_transform = true);
spaces::NetworkSpec net_of_block(const spaces::BlockSpec& block);

/// Standard normal, in channels_last or not as asked; of our own generator, so that failures
/// repeat.
torch::Tensor random_images(const spaces::Shape& shape, int count, std::uint64_t seed);

/// Moves what starts as identity, ones and zeros away from there: transforms, batch norm, biases.
void disturb(SupernetImpl& supernet, std::uint64_t seed);

/// Largest absolute difference.
double distance(const torch::Tensor& a, const torch::Tensor& b);
/// Largest absolute difference over the largest absolute value of b.
double relative_distance(const torch::Tensor& a, const torch::Tensor& b);

}  // namespace lathe::supernet
