#include "supernet/data/image.hpp"
#include "tests/fuzz/fuzz.hpp"

LATHE_FUZZ_TARGET(bytes) {
  const lathe::supernet::Image image = lathe::supernet::decode_image(bytes, "input");
  LATHE_CHECK(image.pixels.size() == std::size_t(image.height) * std::size_t(image.width) * 3,
              "pixels do not fill the image");
}
