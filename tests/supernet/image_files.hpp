#pragma once

#include "tests/support/scratch_folder.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace lathe::test {

/// A scratch folder with a short way to write files.
class TempFolder : public ScratchFolder {
 public:
  /// Writes a file below, folders on the way included.
  std::filesystem::path write(const std::string& name, const std::string& bytes) const;
};

/// A PNG of one colour per pixel: pixels hold height x width x channels (1: grey, 2: grey and
/// alpha, 3: RGB, 4: RGB and alpha); sixteen: two bytes per channel, each value doubled up.
std::string png_bytes(int height, int width, int channels, const std::vector<std::uint8_t>& pixels,
                      bool sixteen = false);

/// An RGB PNG of size x size in which every byte is drawn from `seed` around `level`.
std::string noise_png(int size, int level, std::uint64_t seed);

/// An archive in libarchive's format name ("ustar", "zip") and filter ("none", "gzip"). Names that
/// end in '/' are folders; a content that starts with "->" makes a symbolic link.
std::string archive_bytes(const std::vector<std::pair<std::string, std::string>>& members,
                          const std::string& format, const std::string& filter);

/// A data set of noise PNGs whose classes differ in brightness: `classes` of them, `train` and
/// `test` images each, as train/c0/000.png, ....
std::vector<std::pair<std::string, std::string>> toy_members(int classes, int train, int test,
                                                             int size);

}  // namespace lathe::test
