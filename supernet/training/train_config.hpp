#pragma once

#include "spaces/base/config_reader.hpp"
#include "spaces/search_space.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace lathe::supernet {

/// Where the images are and how they are treated.
struct DataConfig {
  std::filesystem::path path;
  int image_size = 32;
  int validation_per_class = 50;
  int pad = 4;
  bool flip = true;

  void read(ConfigReader& r);
};

/// One phase of training: what is open, for how long, at which rate.
struct PhaseConfig {
  /// Values of the decisions of one kind; none: all that the space has.
  using Values = std::vector<spaces::Choice>;

  std::string name;
  std::map<std::string, Values> open;  ///< by kind: the last part of a decision's name, "kernel"
  int epochs = 1;
  int warm_up_epochs = 0;
  double lr = 0.1;
  int subnets_per_step = 1;
  double distillation = 0;
  bool sandwich = false;
  double clip_gradients = 0;
  bool sort_channels = true;

  void read(ConfigReader& r);
};

/// A training run, "lathe.train" version 1: everything that decides the weights.
struct TrainConfig {
  std::filesystem::path file;  ///< the config's own name, for messages
  std::string space;
  DataConfig data;
  std::int64_t seed = 0;
  int threads = 1;
  std::string device = "cpu";
  int batch_size = 128;
  double momentum = 0.9;
  double weight_decay = 3e-5;
  double label_smoothing = 0.1;
  double dropout = 0.1;
  int bn_images = 2000;
  std::vector<std::string> probes = {"largest", "smallest"};
  int probe_every = 1;
  double collapse_below = 2;
  int checkpoint_every = 1;
  Micros checkpoint_interval = std::chrono::seconds(30);
  std::vector<PhaseConfig> phases;

  /// Reads a whole file's value, header included; refuses what is wrong whatever the space and
  /// data.
  void read(ConfigReader& r);
};

/// Reads a config's JSON: ConfigReader::read with TrainConfig::read. Throws ConfigError.
TrainConfig read_train_config(const nlohmann::json& value, const std::filesystem::path& file);

}  // namespace lathe::supernet
