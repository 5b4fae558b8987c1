#include "supernet/data/image.hpp"

#include "spaces/base/error.hpp"
#include "supernet/data/file_source.hpp"
#include "tests/supernet/image_files.hpp"
#include "tests/support/catch.hpp"

#include <numeric>

using namespace lathe;
using namespace lathe::supernet;
using namespace lathe::test;

namespace {

/// The excerpt's first image, bytes of its JPEG.
std::string a_jpeg() {
  std::string bytes;
  visit_files("tests/data/cifar10-excerpt.tar.gz", [&](const SourceEntry& entry) {
    if (bytes.empty() && !entry.is_folder) bytes = entry.bytes();
  });
  return bytes;
}

}  // namespace

TEST_CASE("a PNG's pixels come back as they went in", "[supernet][data]") {
  const std::vector<std::uint8_t> pixels = {1,   2,   3,   4, 5, 6, 7,   8,   9,
                                            250, 251, 252, 0, 0, 0, 255, 255, 255};
  const Image image = decode_image(png_bytes(2, 3, 3, pixels), "a.png");
  CHECK(image.height == 2);
  CHECK(image.width == 3);
  CHECK(image.pixels == pixels);
}

TEST_CASE("a grey PNG is widened to RGB and a full opacity dropped", "[supernet][data]") {
  CHECK(decode_image(png_bytes(1, 2, 1, {7, 200}), "a.png").pixels ==
        std::vector<std::uint8_t>{7, 7, 7, 200, 200, 200});
  CHECK(decode_image(png_bytes(1, 1, 4, {9, 8, 7, 255}), "a.png").pixels ==
        std::vector<std::uint8_t>{9, 8, 7});
}

TEST_CASE("a JPEG of the excerpt has its published size", "[supernet][data]") {
  const Image image = decode_image(a_jpeg(), "a.jpg");
  CHECK(image.height == 32);
  CHECK(image.width == 32);
  REQUIRE(image.pixels.size() == 32 * 32 * 3);
  const auto sum = std::accumulate(image.pixels.begin(), image.pixels.end(), std::int64_t(0));
  CHECK(sum > 32 * 32 * 3 * 10);
}

TEST_CASE("images that would lose something are refused by name", "[supernet][data]") {
  CHECK_THROWS_WITH(decode_image(png_bytes(1, 1, 3, {1, 2, 3}, true), "x.tar: train/a/b.png"),
                    ContainsSubstring("x.tar: train/a/b.png") &&
                        ContainsSubstring("8 bits per channel, got 16 bits"));
  CHECK_THROWS_WITH(decode_image(png_bytes(1, 1, 4, {1, 2, 3, 128}), "b.png"),
                    ContainsSubstring("b.png: expected a PNG without transparency") &&
                        ContainsSubstring("opacity 128 of 255"));
  CHECK_THROWS_WITH(decode_image("GIF89a", "c.jpg"),
                    ContainsSubstring("c.jpg: expected a JPEG or PNG, got other bytes"));
  CHECK_THROWS_WITH(decode_image("", "d.jpg"), ContainsSubstring("an empty file"));
}

TEST_CASE("a cut or damaged image is refused wherever it is cut", "[supernet][data][property]") {
  const std::string png = png_bytes(4, 4, 3, std::vector<std::uint8_t>(48, 99));
  for (std::size_t size = 8; size < png.size(); ++size) {
    INFO("PNG cut to " << size << " of " << png.size());
    // What follows the pixels (the end chunk) holds nothing that could be lost.
    if (size < png.size() - 12)
      CHECK_THROWS_AS(decode_image(png.substr(0, size), "a"), FormatError);
  }
  const std::string jpeg = a_jpeg();
  for (std::size_t size = 3; size + 2 < jpeg.size(); ++size) {
    INFO("JPEG cut to " << size << " of " << jpeg.size());
    CHECK_THROWS_AS(decode_image(jpeg.substr(0, size), "a"), FormatError);
  }
  CHECK_THROWS_WITH(
      decode_image(jpeg.substr(0, 400), "t.tar: train/cat/1.jpg"),
      ContainsSubstring("t.tar: train/cat/1.jpg: expected a whole JPEG, got damaged data"));
}

TEST_CASE("shrinking four pixels to two has the weights 3/7, 3/7, 1/7", "[supernet][data]") {
  // Output 0 stands at input 1.0 and reaches 2 pixels: triangle 0.75, 0.75, 0.25, sum 1.75.
  const ResizeAxis axis = resize_axis(4, 2);
  REQUIRE(axis.weights[0].size() == 3);
  CHECK(axis.first[0] == 0);
  CHECK(axis.weights[0][0] == Approx(3.0 / 7));
  CHECK(axis.weights[0][1] == Approx(3.0 / 7));
  CHECK(axis.weights[0][2] == Approx(1.0 / 7));
  CHECK(axis.first[1] == 1);
  CHECK(axis.weights[1][0] == Approx(1.0 / 7));
}

TEST_CASE("enlarging two pixels to four mixes 3 to 1 and repeats the ends", "[supernet][data]") {
  const ResizeAxis axis = resize_axis(2, 4), one = resize_axis(1, 1);
  std::vector<float> out;
  resize({0, 0, 0, 100, 100, 100}, one, axis, out);
  REQUIRE(out.size() == 12);
  CHECK(out[0] == Approx(0));
  CHECK(out[3] == Approx(25));
  CHECK(out[6] == Approx(75));
  CHECK(out[9] == Approx(100));
}

TEST_CASE("a flat image stays flat at any size", "[supernet][data][property]") {
  for (int in = 1; in <= 40; in += 3)
    for (int to = 1; to <= 50; to += 7) {
      const ResizeAxis axis = resize_axis(in, to);
      std::vector<float> out;
      resize(std::vector<float>(std::size_t(in * in * 3), 42.0F), axis, axis, out);
      REQUIRE(out.size() == std::size_t(to * to * 3));
      for (const float v : out) REQUIRE(v == Approx(42.0F));
    }
}

TEST_CASE("the centred square of a wide image is its middle", "[supernet][data]") {
  Image wide{1, 3, {1, 1, 1, 2, 2, 2, 3, 3, 3}};
  CHECK(centre_square(wide, 1).pixels == std::vector<std::uint8_t>{2, 2, 2});
  CHECK_THROWS_AS(centre_square(wide, 2), LogicError);
}
