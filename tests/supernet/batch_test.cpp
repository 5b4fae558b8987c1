#include "supernet/data/batch.hpp"

#include "spaces/base/error.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <set>

using namespace lathe;
using namespace lathe::supernet;

namespace {

/// Images whose pixel (y, x) holds 10 y + x in red, the image's index in green, 0 in blue.
Images counting(int count, int size) {
  Images images;
  images.size = size;
  for (int i = 0; i < count; ++i) {
    images.labels.push_back(0);
    for (int y = 0; y < size; ++y)
      for (int x = 0; x < size; ++x)
        for (const int v : {10 * y + x, i, 0})
          images.pixels.push_back(static_cast<std::uint8_t>(v));
  }
  return images;
}

ChannelStatistics plain() {
  ChannelStatistics s;
  s.deviation = {1.0 / 255, 1.0 / 255, 1.0 / 255};  // pixels come out as their bytes
  return s;
}

}  // namespace

TEST_CASE("a batch is channels-last and normalised per channel", "[supernet][data]") {
  const Images images = counting(2, 2);
  Transform transform{2, plain(), {}};
  transform.statistics.mean = {5.0 / 255, 0, 0};
  transform.statistics.deviation = {2.0 / 255, 1.0 / 255, 1.0 / 255};
  std::vector<float> out(2 * 2 * 2 * 3);
  write_batch(images, {1, 0}, transform, Rng(1), out.data());
  const std::vector<float> expected = {-2.5F, 1, 0, -2, 1, 0, 2.5F, 1, 0, 3, 1, 0,
                                       -2.5F, 0, 0, -2, 0, 0, 2.5F, 0, 0, 3, 0, 0};
  for (std::size_t i = 0; i < expected.size(); ++i)
    CHECK(out[i] == Approx(expected[i]).margin(1e-5));
}

TEST_CASE("every crop of a mirrored image is one of the possible ones",
          "[supernet][data][property]") {
  const int size = 4, pad = 2;
  const Images images = counting(1, size);
  const Transform transform{size, plain(), Augmentation{pad, true}};
  // Mirrored line for size 4: 2 1 | 0 1 2 3 | 2 1.
  const std::vector<int> line = {2, 1, 0, 1, 2, 3, 2, 1};
  std::set<std::vector<int>> possible, seen;
  for (int top = 0; top <= 2 * pad; ++top)
    for (int left = 0; left <= 2 * pad; ++left)
      for (const bool flip : {false, true}) {
        std::vector<int> crop;
        for (int y = 0; y < size; ++y)
          for (int x = 0; x < size; ++x)
            crop.push_back(10 * line[std::size_t(top + y)] +
                           line[std::size_t(left + (flip ? size - 1 - x : x))]);
        possible.insert(crop);
      }
  for (std::uint64_t i = 0; i < 1000; ++i) {
    std::vector<float> out(std::size_t(size * size * 3));
    write_batch(images, {0}, transform, Rng(5).stream("draw", i), out.data());
    std::vector<int> red;
    for (std::size_t p = 0; p < out.size(); p += 3)
      red.push_back(static_cast<int>(std::lround(out[p])));
    INFO("draw " << i);
    REQUIRE(possible.count(red) == 1);
    seen.insert(red);
  }
  CHECK(seen == possible);
}

TEST_CASE("an image's draw depends neither on its batch nor on the order", "[supernet][data]") {
  const Images images = counting(5, 6);
  const Transform transform{4, plain(), Augmentation{3, true}};
  const std::size_t one = 4 * 4 * 3;
  std::vector<float> all(5 * one), some(2 * one);
  write_batch(images, {0, 1, 2, 3, 4}, transform, Rng(9), all.data());
  write_batch(images, {3, 1}, transform, Rng(9), some.data());
  CHECK(std::equal(some.begin(), some.begin() + one, all.begin() + 3 * one));
  CHECK(std::equal(some.begin() + one, some.end(), all.begin() + one));
}

TEST_CASE("an epoch's order is a permutation of its own", "[supernet][data]") {
  const std::vector<int> items = {2, 3, 5, 7, 11, 13, 17, 19};
  const std::vector<int> first = epoch_order(items, Rng(1), 0);
  CHECK(first != items);
  CHECK(first == epoch_order(items, Rng(1), 0));
  CHECK(first != epoch_order(items, Rng(1), 1));
  CHECK(first != epoch_order(items, Rng(2), 0));
  std::vector<int> sorted = first;
  std::sort(sorted.begin(), sorted.end());
  CHECK(sorted == items);
}

TEST_CASE("padding that mirroring can't give is refused", "[supernet][data]") {
  CHECK_NOTHROW(check_pad(31, 32, "t.json: /data/pad"));
  CHECK_THROWS_WITH(check_pad(32, 32, "t.json: /data/pad"),
                    ContainsSubstring("t.json: /data/pad: expected padding from 0 to 31") &&
                        ContainsSubstring("got 32"));
}
