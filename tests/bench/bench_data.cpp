// From image files to batches, without torch. Run from the root of the source tree, where
// tests/data/ lies.

#include "supernet/data/batch.hpp"
#include "tests/bench/bench.hpp"

#include <algorithm>
#include <numeric>

namespace lathe::bench {
namespace {

using Work = std::function<void(std::int64_t)>;

constexpr std::int64_t kBatch = 64;

/// 1,024 images of noise.
supernet::Images noise(int size) {
  supernet::Images images;
  images.size = size;
  images.labels.resize(1024);
  images.pixels.resize(images.labels.size() * std::size_t(size) * std::size_t(size) * 3);
  Rng rng(1);
  for (std::uint8_t& pixel : images.pixels) pixel = static_cast<std::uint8_t>(rng.below(256));
  return images;
}

/// Training batches: crop, flip, resample where sizes differ, normalise.
Work batches(int size, int resolution) {
  const supernet::Transform transform{
      resolution, {{0.5, 0.5, 0.5}, {0.25, 0.25, 0.25}}, supernet::Augmentation{}};
  return [images = noise(size), transform](std::int64_t items) {
    const auto side = std::size_t(transform.resolution);
    std::vector<float> out(std::size_t(kBatch) * side * side * 3);
    for (std::int64_t done = 0; done < items; done += kBatch) {
      std::vector<int> indices(std::size_t(std::min(kBatch, items - done)));
      std::iota(indices.begin(), indices.end(), static_cast<int>(done % images.count()));
      supernet::write_batch(images, indices, transform, Rng(1), out.data());
      keep(out);
    }
  };
}

/// 6,000 JPEGs of 32 x 32 out of a packed archive.
Work load_excerpt() {
  return [](std::int64_t items) {
    for (std::int64_t i = 0; i < items; ++i)
      keep(supernet::load_dataset("tests/data/cifar10-excerpt.tar.gz", 32));
  };
}

}  // namespace
}  // namespace lathe::bench

int main(int argc, char** argv) {
  using namespace lathe::bench;
  return run_all(argc, argv,
                 {{"batch-32", "image", [] { return batches(32, 32); }},
                  {"batch-32-to-64", "image", [] { return batches(32, 64); }},
                  {"load-excerpt", "6,000 images", load_excerpt}});
}
