#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace lathe::test {

/// A JPEG of height x width in which every byte is `level`: 1 channel grey, 3 RGB, 4 CMYK.
std::string jpeg_bytes(int height, int width, int channels, int level, bool progressive = false);

/// The header of a PNG, and what it may hold that png_bytes can't make.
struct RawPng {
  std::uint32_t height = 1, width = 1;
  int depth = 8,
      colour = 2;  ///< bits per channel; 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA
  std::vector<std::pair<std::string, std::string>> chunks;  ///< type and data, before the image's
  std::string rows;  ///< a filter byte and the packed pixels of every row
  bool end = true;   ///< whether IEND is there
};
std::string png_of(const RawPng& png);

/// Any bytes, packed by gzip.
std::string gzip_of(const std::string& bytes);

}  // namespace lathe::test
