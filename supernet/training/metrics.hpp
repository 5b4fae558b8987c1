#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

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

/// metrics.csv: its whole text, rewritten after every epoch, whole or not at all.
class Metrics {
 public:
  /// A new file (bytes 0), or the first `bytes` of the one that is there. Throws FormatError if it
  /// is shorter or does not begin with our header.
  Metrics(std::filesystem::path file, std::int64_t bytes);
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
