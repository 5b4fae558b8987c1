#include "supernet/training/metrics.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/file_io.hpp"
#include "spaces/base/json_io.hpp"

#include <nlohmann/json.hpp>

#include <cstdio>

namespace lathe::supernet {
namespace {

const std::string kMetricsHeader = "phase,epoch,step,subnet,loss,accuracy\n";
const std::string kTimingHeader =
    "phase,epoch,step,train_seconds,judge_seconds,cpu_seconds,images_per_second\n";

/// The shortest text that reads back equal.
std::string number(double value) { return dump_json_line(nlohmann::json(value)); }

}  // namespace

Metrics::Metrics(std::filesystem::path file, std::int64_t bytes)
    : file_(std::move(file)), text_(kMetricsHeader) {
  if (bytes == 0) return;
  const std::string stored = read_file(file_);
  if (static_cast<std::int64_t>(stored.size()) < bytes ||
      stored.compare(0, kMetricsHeader.size(), kMetricsHeader) != 0)
    throw FormatError(
        Problem{file_.string(),
                "the header and " + std::to_string(bytes) + " bytes that the checkpoint speaks of",
                std::to_string(stored.size()) + " bytes",
                "the file was changed since; the run can't be resumed"});
  text_ = stored.substr(0, static_cast<std::size_t>(bytes));
}

void Metrics::add(const MetricsRow& row) {
  text_ += row.phase + "," + std::to_string(row.epoch) + "," + std::to_string(row.step) + "," +
           row.subnet + "," + number(row.loss) + "," + number(row.accuracy) + "\n";
}

void Metrics::write() const { write_file(file_, text_); }

void append_timing(const std::filesystem::path& file, const TimingRow& row) {
  const Descriptor lines(open_lines(file));
  const bool is_new = std::filesystem::file_size(file) == 0;
  char line[160];
  std::snprintf(line, sizeof line, ",%d,%lld,%.3f,%.3f,%.3f,%.1f\n", row.epoch,
                static_cast<long long>(row.step), row.train_seconds, row.judge_seconds,
                row.cpu_seconds, row.images_per_second);
  append_lines(lines.get(), file, (is_new ? kTimingHeader : "") + row.phase + line);
}

}  // namespace lathe::supernet
