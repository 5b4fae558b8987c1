#pragma once

#include "spaces/base/rng.hpp"
#include "supernet/data/file_source.hpp"

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace lathe::supernet {

/// Labelled images of one size, in the order of their names.
struct Images {
  int size = 0;                      ///< height and width in pixels
  std::vector<std::uint8_t> pixels;  ///< N x size x size x 3 (RGB)
  std::vector<int> labels;           ///< N, each an index into the classes
  std::vector<std::string> names;    ///< N, "train/cat/0001.jpg" or "data_batch_1.bin/17"

  int count() const { return static_cast<int>(labels.size()); }
  const std::uint8_t* image(int index) const {
    return pixels.data() + std::size_t(index) * std::size_t(size) * std::size_t(size) * 3;
  }
};

/// An image classification data set in memory.
struct Dataset {
  std::vector<std::string> classes;  ///< alphabetical
  Images train, test;

  /// Of all classes, names, labels and pixels: tells whether the images are the same as before.
  std::uint64_t fingerprint() const;
};

/// Most bytes of pixels that a data set may take in memory.
inline constexpr std::int64_t kMaxPixelBytes = std::int64_t(16) << 30;

/// Loads `path`, a folder or an archive (.tar, .tar.gz, .zip), in one of two layouts, told apart by
/// the names in it: train/CLASS/*.jpg|jpeg|png with test/ or val/ beside train/ (in an archive all
/// may lie in one more folder); or CIFAR-10's binary version, data_batch_1.bin to data_batch_5.bin
/// and test_batch.bin (records of 3,073 bytes; class names from batches.meta.txt, else "0" to "9").
/// Images are cut to their largest centred square and shrunk to image_size x image_size. Throws
/// FormatError naming the file: damaged or smaller images, a split or class that is missing or
/// empty, classes that differ between the splits, files in odd places, a truncated archive.
Dataset load_dataset(const std::filesystem::path& path, int image_size);
/// The same of any source of files; `path` is the name for messages.
Dataset load_dataset(const std::filesystem::path& path, int image_size, const FileSource& source);

/// Indices of the training images, divided: the validation part is drawn by seed, the same number
/// from every class. Both ascending.
struct Split {
  std::vector<int> train, validation;
};
/// Throws ConfigError (`where` names the config's key) where a class would keep less than one
/// training image.
Split split_train(const Images& train, const std::vector<std::string>& classes,
                  int validation_per_class, std::uint64_t seed, const std::string& where);

/// Mean and deviation (of the population) per channel, of pixels in [0, 1].
struct ChannelStatistics {
  std::array<double, 3> mean{}, deviation{};
};
/// Throws FormatError (`where` names the data) if a channel is constant.
ChannelStatistics channel_statistics(const Images& images, const std::vector<int>& indices,
                                     const std::string& where);

}  // namespace lathe::supernet
