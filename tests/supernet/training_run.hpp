#pragma once

#include "spaces/base/run_dir.hpp"
#include "supernet/training/train_config.hpp"
#include "tests/supernet/image_files.hpp"
#include "tests/support/recording_sink.hpp"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace lathe::test {

/// Asks to stop once so many steps were reported.
class StoppingSink : public RecordingSink {
 public:
  explicit StoppingSink(int steps) : left_(steps) {}
  void progress(const Progress& progress) override {
    RecordingSink::progress(progress);
    if (--left_ == 0) request_stop();
  }

 private:
  int left_;
};

/// A folder with a space of two stages (configs/spaces/toy.json), three classes of small images
/// that differ in brightness (images.tar), and runs.
class TrainingBench {
 public:
  TrainingBench();
  std::filesystem::path configs() const { return folder_.path() / "configs"; }
  std::filesystem::path path(const std::string& name) const { return folder_.path() / name; }
  /// A config of three phases, full, kernel and depth, width, that trains in about a second.
  nlohmann::json config() const;
  /// Starts the run of that name, or goes on with it.
  RunDir open(const std::string& name, const nlohmann::json& config) const;
  supernet::TrainConfig read(const nlohmann::json& config) const;

 private:
  TempFolder folder_;
};

}  // namespace lathe::test
