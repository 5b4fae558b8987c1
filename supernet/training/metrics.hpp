#pragma once

#include "supernet/training/train_state.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace lathe::supernet {

/// One row of metrics.csv: a network judged at the end of an epoch.
struct MetricsRow {
  std::string phase;
  int epoch = 0;          ///< of the phase, from 1
  std::int64_t step = 0;  ///< since the beginning of training
  std::string subnet;     ///< "largest", "smallest", "random"
  double loss = 0;        ///< mean of the epoch's training losses, the same in all its rows
  double accuracy = 0;    ///< of this network on the validation images, in [0, 1]
};

/// Reads the text of a metrics.csv. Throws FormatError, naming `file` and line, for anything that
/// Metrics does not write.
std::vector<MetricsRow> parse_metrics(std::string_view text, const std::string& file);

/// Throws FormatError, naming `file` and line, unless these are the rows of a run of that plan up
/// to that state: for every epoch the largest network's, and others behind it.
void check_metrics(const std::vector<MetricsRow>& rows, const TrainPlan& plan,
                   const TrainState& state, const std::string& file);

/// metrics.csv: its whole text, rewritten after every epoch, whole or not at all.
class Metrics {
 public:
  /// A new file.
  explicit Metrics(std::filesystem::path file);
  /// The one that is there, up to a checkpoint's state: what follows is dropped. Throws FormatError
  /// if it is shorter, or not the file that such a run has written.
  Metrics(std::filesystem::path file, const TrainState& state, const TrainPlan& plan);
  void add(const MetricsRow& row);
  void write() const;
  std::int64_t bytes() const { return static_cast<std::int64_t>(text_.size()); }

 private:
  std::filesystem::path file_;
  std::string text_;
};

/// Appends a line to timing.csv, with its header where the file is new. Times are those of this
/// process; not part of what has to come out the same twice. Throws ResourceError.
struct TimingRow {
  std::string phase;
  int epoch = 0;
  std::int64_t step = 0;
  double train_seconds = 0, judge_seconds = 0;  ///< wall
  double cpu_seconds = 0;                       ///< of the process, both
  double images_per_second = 0;                 ///< while training
};
void append_timing(const std::filesystem::path& file, const TimingRow& row);

}  // namespace lathe::supernet
