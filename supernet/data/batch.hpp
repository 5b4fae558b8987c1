#pragma once

#include "spaces/base/rng.hpp"
#include "supernet/data/dataset.hpp"

#include <optional>
#include <vector>

namespace lathe::supernet {

/// Random changes of training images: a crop of the image's own size out of the image with `pad`
/// mirrored pixels on every side (the edge itself not repeated), then a flip left to right with
/// probability 1/2. The usual CIFAR recipe (He et al. 2016, section 4.2, with mirrored padding).
struct Augmentation {
  int pad = 4;
  bool flip = true;
};

/// What happens to an image on its way into a batch.
struct Transform {
  int resolution = 0;  ///< side of the result; resampled after crop and flip where it differs
  ChannelStatistics statistics;
  std::optional<Augmentation> augmentation;
};

/// Writes the images `indices` into `out`, N x resolution x resolution x 3 floats (channels_last),
/// each channel of [0, 1] less its mean, divided by its deviation. Where the transform augments,
/// image i draws from rng.stream("image", i): neither the order nor the batch matter.
void write_batch(const Images& images, const std::vector<int>& indices, const Transform& transform,
                 const Rng& rng, float* out);

/// `indices` in the order of one epoch, shuffled by rng.stream("order", epoch).
std::vector<int> epoch_order(std::vector<int> indices, const Rng& rng, int epoch);

/// Throws ConfigError (`where` names the key) unless 0 <= pad < size, as mirroring needs.
void check_pad(int pad, int size, const std::string& where);

}  // namespace lathe::supernet
