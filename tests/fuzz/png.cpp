#include "supernet/data/image.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <zlib.h>

namespace {

/// The input with every chunk's checksum put right: otherwise hardly any gets past it.
std::string with_checksums(std::string_view bytes) {
  constexpr std::size_t signature = 8, before = 8, sum = 4;
  std::string png(bytes);
  const auto byte = [&](std::size_t i) { return std::size_t(static_cast<unsigned char>(png[i])); };
  for (std::size_t at = signature; at + before + sum <= png.size();) {
    const std::size_t length =
        byte(at) << 24 | byte(at + 1) << 16 | byte(at + 2) << 8 | byte(at + 3);
    if (length > png.size() - at - before - sum) break;
    const auto right = crc32(0, reinterpret_cast<const Bytef*>(&png[at + 4]), uInt(length + 4));
    at += before + length;
    for (int shift = 24; shift >= 0; shift -= 8) png[at++] = static_cast<char>(right >> shift);
  }
  return png;
}

}  // namespace

LATHE_FUZZ_TARGET(bytes) {
  const lathe::supernet::Image image =
      lathe::supernet::decode_image(with_checksums(bytes), "input");
  LATHE_CHECK(image.pixels.size() == std::size_t(image.height) * std::size_t(image.width) * 3,
              "pixels do not fill the image");
}
