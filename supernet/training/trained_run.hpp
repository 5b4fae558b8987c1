#pragma once

#include "supernet/supernet.hpp"
#include "supernet/training/judge.hpp"
#include "supernet/training/train_config.hpp"
#include "supernet/training/training_data.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace lathe::supernet {

/// A train run, opened for reading: the weights of its newest checkpoint and its images.
struct TrainedRun {
  spaces::SearchSpace space;  ///< before pins
  TrainConfig config;
  std::string checkpoint;  ///< relative to the run's folder
  Supernet supernet;       ///< on the CPU, in evaluation mode, without gradients
  TrainingData data;
};

/// Opens the newest checkpoint of the run; spaces are found below `configs`. Throws FormatError and
/// MissingEntry: no train run, no checkpoint yet, a damaged one, one of a space that has changed,
/// images that have changed since.
TrainedRun load_supernet(const std::filesystem::path& run_folder,
                         const std::filesystem::path& configs);

/// The first `count` images of a part (all, if it has fewer) at that resolution, normalised:
/// channels x height x width floats each.
std::vector<std::vector<float>> normalised_images(const TrainingData& data, Part part,
                                                  int resolution, int count);

}  // namespace lathe::supernet
