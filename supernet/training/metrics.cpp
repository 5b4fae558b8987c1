#include "supernet/training/metrics.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/file_io.hpp"
#include "spaces/base/json_io.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <system_error>

namespace lathe::supernet {
namespace {

const std::string kMetricsHeader = "phase,epoch,step,subnet,loss,accuracy\n";
const std::string kTimingHeader =
    "phase,epoch,step,train_seconds,judge_seconds,cpu_seconds,images_per_second\n";

/// The shortest text that reads back equal.
std::string number(double value) { return dump_json_line(nlohmann::json(value)); }

std::string line_of(const MetricsRow& row) {
  return row.phase + "," + std::to_string(row.epoch) + "," + std::to_string(row.step) + "," +
         row.subnet + "," + number(row.loss) + "," + number(row.accuracy) + "\n";
}

[[noreturn]] void refuse(const std::string& file, std::size_t line, const std::string& expected,
                         const std::string& found) {
  throw FormatError(Problem{file + (line > 0 ? ": line " + std::to_string(line) : ""), expected,
                            found, "the file was changed since: restore it, or start another run"});
}

template <typename Number>
bool read_number(std::string_view text, Number& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

/// False unless `line`, its end included, is exactly what is written of a row.
bool read_row(std::string_view line, MetricsRow& row) {
  std::vector<std::string_view> fields;
  for (std::string_view rest = line.substr(0, line.size() - 1);;) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    fields.push_back(rest.substr(0, comma));
    if (comma == rest.size()) break;
    rest.remove_prefix(comma + 1);
  }
  constexpr std::size_t columns = 6;
  if (fields.size() != columns) return false;
  row.phase = fields[0];
  row.subnet = fields[3];
  return !row.phase.empty() && !row.subnet.empty() && read_number(fields[1], row.epoch) &&
         read_number(fields[2], row.step) && read_number(fields[4], row.loss) &&
         read_number(fields[5], row.accuracy) && row.epoch > 0 && row.step > 0 &&
         std::isfinite(row.loss) && row.accuracy >= 0 && row.accuracy <= 1 && line_of(row) == line;
}

}  // namespace

std::vector<MetricsRow> parse_metrics(std::string_view text, const std::string& file) {
  if (text.substr(0, kMetricsHeader.size()) != kMetricsHeader)
    refuse(file, 1, "the titles " + kMetricsHeader.substr(0, kMetricsHeader.size() - 1),
           quote(text.substr(0, text.find('\n'))));
  std::vector<MetricsRow> rows;
  for (text.remove_prefix(kMetricsHeader.size()); !text.empty();) {
    const std::size_t line = rows.size() + 2, end = text.find('\n');
    if (end == text.npos) refuse(file, line, "a line end", quote(text));
    MetricsRow row;
    if (!read_row(text.substr(0, end + 1), row))
      refuse(file, line, "phase, epoch, step, subnet, loss and an accuracy in [0, 1]",
             quote(text.substr(0, end)));
    rows.push_back(std::move(row));
    text.remove_prefix(end + 1);
  }
  return rows;
}

void check_metrics(const std::vector<MetricsRow>& rows, const TrainPlan& plan,
                   const TrainState& state, const std::string& file) {
  const auto words = [](const std::string& phase, int epoch, std::int64_t step) {
    return phase + ", epoch " + std::to_string(epoch) + ", step " + std::to_string(step);
  };
  std::size_t next = 0;
  std::int64_t step = 0;
  const int phases = std::min(state.phase + 1, static_cast<int>(plan.phases.size()));
  for (int p = 0; p < phases; ++p) {
    const auto& phase = plan.phases[std::size_t(p)];
    const int epochs = p < state.phase ? phase.epochs : state.epoch;
    for (int epoch = 1; epoch <= epochs; ++epoch) {
      step += plan.steps_per_epoch;
      const std::size_t first = next;
      for (; next < rows.size(); ++next) {
        const MetricsRow& row = rows[next];
        const bool is_first = next == first;
        if (!is_first && row.subnet == "largest") break;
        if (row.phase != phase.name || row.epoch != epoch || row.step != step ||
            (is_first && row.subnet != "largest"))
          refuse(file, next + 2, words(phase.name, epoch, step) + (is_first ? " of largest" : ""),
                 words(quote(row.phase), row.epoch, row.step) + " of " + quote(row.subnet));
      }
      if (next == first)
        refuse(file, next + 2, words(phase.name, epoch, step), "the end of the rows");
    }
  }
  if (next < rows.size())
    refuse(file, next + 2, "no row after step " + std::to_string(step),
           words(quote(rows[next].phase), rows[next].epoch, rows[next].step));
}

Metrics::Metrics(std::filesystem::path file) : file_(std::move(file)), text_(kMetricsHeader) {}

Metrics::Metrics(std::filesystem::path file, const TrainState& state, const TrainPlan& plan)
    : Metrics(std::move(file)) {
  if (state.metrics_bytes > 0) {
    text_ = read_file(file_);
    if (static_cast<std::int64_t>(text_.size()) < state.metrics_bytes)
      refuse(file_.string(), 0,
             "the " + std::to_string(state.metrics_bytes) + " bytes that the checkpoint speaks of",
             std::to_string(text_.size()));
    text_.resize(static_cast<std::size_t>(state.metrics_bytes));
  }
  check_metrics(parse_metrics(text_, file_.string()), plan, state, file_.string());
}

void Metrics::add(const MetricsRow& row) { text_ += line_of(row); }

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
