#include "supernet/data/batch.hpp"

#include "spaces/base/error.hpp"
#include "supernet/data/image.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace lathe::supernet {
namespace {

/// Index i of a line of n pixels continued by mirroring at both ends.
int mirrored(int i, int n) {
  if (i < 0) return -i;
  return i < n ? i : 2 * (n - 1) - i;
}

/// The shift of a crop against the image, and whether it is flipped.
struct Draw {
  int top = 0, left = 0;
  bool flip = false;
};

Draw draw(const Augmentation& augmentation, Rng rng) {
  Draw d;
  d.top = rng.below(2 * augmentation.pad + 1) - augmentation.pad;
  d.left = rng.below(2 * augmentation.pad + 1) - augmentation.pad;
  d.flip = augmentation.flip && rng.chance(0.5);
  return d;
}

void crop(const std::uint8_t* image, int size, const Draw& d, float* out) {
  for (int y = 0; y < size; ++y) {
    const std::uint8_t* row =
        image + std::size_t(mirrored(y + d.top, size)) * std::size_t(size) * 3;
    for (int x = 0; x < size; ++x) {
      const int column = mirrored((d.flip ? size - 1 - x : x) + d.left, size);
      const std::uint8_t* pixel = row + std::size_t(column) * 3;
      for (int c = 0; c < 3; ++c) *out++ = static_cast<float>(pixel[c]);
    }
  }
}

}  // namespace

void write_batch(const Images& images, const std::vector<int>& indices, const Transform& transform,
                 const Rng& rng, float* out) {
  const int size = images.size;
  const ResizeAxis axis = resize_axis(size, transform.resolution);
  std::array<float, 3> scale{}, shift{};
  for (std::size_t c = 0; c < 3; ++c) {
    scale[c] = static_cast<float>(1.0 / (255.0 * transform.statistics.deviation[c]));
    shift[c] = static_cast<float>(transform.statistics.mean[c] / transform.statistics.deviation[c]);
  }
  std::vector<float> whole(std::size_t(size) * std::size_t(size) * 3), resampled;
  for (const int index : indices) {
    const Draw d = transform.augmentation
                       ? draw(*transform.augmentation, rng.stream("image", std::uint64_t(index)))
                       : Draw{};
    crop(images.image(index), size, d, whole.data());
    if (transform.resolution != size) resize(whole, axis, axis, resampled);
    const std::vector<float>& pixels = transform.resolution != size ? resampled : whole;
    for (std::size_t i = 0; i < pixels.size(); ++i)
      *out++ = pixels[i] * scale[i % 3] - shift[i % 3];
  }
}

std::vector<int> epoch_order(std::vector<int> indices, const Rng& rng, int epoch) {
  Rng order = rng.stream("order", std::uint64_t(epoch));
  order.shuffle(indices);
  return indices;
}

void check_pad(int pad, int size, const std::string& where) {
  if (pad < 0 || pad >= size)
    throw ConfigError(Problem{
        where, "padding from 0 to " + std::to_string(size - 1) + " (less than the image's side)",
        std::to_string(pad), ""});
}

}  // namespace lathe::supernet
