#pragma once

#include "supernet/data/batch.hpp"
#include "supernet/data/dataset.hpp"
#include "supernet/training/train_config.hpp"
#include "supernet/training/train_state.hpp"

#include <nlohmann/json_fwd.hpp>

#include <filesystem>
#include <vector>

namespace lathe::supernet {

/// The images of a run, divided, with the statistics of its training part.
struct TrainingData {
  Dataset dataset;
  Split split;
  ChannelStatistics statistics;
  Augmentation augmentation;
};

/// Loads, divides by the run's seed and checks the images against the config: enough for a batch
/// and for bn_images. Throws FormatError and ConfigError.
TrainingData prepare_data(const TrainConfig& config);

/// Throws ConfigError unless the space has as many classes as the images.
void check_classes(const TrainingData& data, const TrainConfig& config, int classes);

/// Phases and steps of the run.
TrainPlan plan_of(const TrainConfig& config, const TrainingData& data);

/// Images that set batch norm's statistics: config.bn_images of the training part, drawn by seed,
/// always the same.
std::vector<int> recalibration_images(const TrainingData& data, const TrainConfig& config);

/// split.json of a run: classes, names of the validation images, counts, statistics, and the
/// fingerprint of all images.
nlohmann::json split_json(const TrainingData& data);
/// Throws FormatError, naming the first key that differs, unless the file is the split.json of
/// these images, divided like this.
void check_split(const TrainingData& data, const std::filesystem::path& file);

}  // namespace lathe::supernet
