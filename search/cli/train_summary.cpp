#include "search/cli/train_summary.hpp"

#include "search/cli/csv.hpp"
#include "search/cli/print.hpp"
#include "spaces/base/run_dir.hpp"
#include "supernet/training/train_config.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>

namespace lathe::cli {
namespace {

using Rows = std::vector<std::map<std::string, std::string>>;

Series& series_named(std::vector<Series>& all, const std::string& name) {
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const Series& series) { return series.name == name; });
  if (found != all.end()) return *found;
  return all.emplace_back(Series{name, {}});
}

std::string loss_text(double loss) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", loss);
  return text;
}

/// A row per phase, a column per probe: its last accuracy there.
TextTable phase_table(const Rows& rows, const std::vector<Series>& probes,
                      const std::filesystem::path& file) {
  TextTable table;
  table.titles = {"phase", "epochs", "loss"};
  for (const Series& probe : probes) table.titles.push_back(probe.name);
  for (const auto& row : rows) {
    if (table.rows.empty() || table.rows.back().front() != row.at("phase")) {
      table.rows.emplace_back(table.titles.size(), "-");
      table.rows.back().front() = row.at("phase");
    }
    std::vector<std::string>& cells = table.rows.back();
    cells[1] = row.at("epoch");
    cells[2] = loss_text(number_in(row, "loss", file));
    for (std::size_t i = 0; i < probes.size(); ++i) {
      if (probes[i].name == row.at("subnet")) {
        cells[3 + i] = percent(number_in(row, "accuracy", file));
      }
    }
  }
  return table;
}

}  // namespace

TrainSummary summarise_train(const std::filesystem::path& folder) {
  const nlohmann::json manifest = RunDir::read_manifest(folder, "train");
  const supernet::TrainConfig config =
      supernet::read_train_config(RunDir::read_config(folder), folder / "config.json");
  const auto file = folder / "metrics.csv";
  TrainSummary summary;
  summary.loss.name = "loss";
  const Rows rows = std::filesystem::exists(file)
                        ? read_csv(file, "phase,epoch,step,subnet,loss,accuracy")
                        : Rows{};
  double last_step = 0;
  for (const auto& row : rows) {
    const double step = number_in(row, "step", file), accuracy = number_in(row, "accuracy", file);
    auto& starts = summary.phase_starts;
    if (starts.empty() || starts.back().second != row.at("phase"))
      starts.emplace_back(last_step, row.at("phase"));
    last_step = step;
    series_named(summary.accuracy, row.at("subnet")).points.emplace_back(step, accuracy);
    summary.last[row.at("subnet")] = accuracy;
    auto& losses = summary.loss.points;
    if (losses.empty() || losses.back().first != step) {
      losses.emplace_back(step, number_in(row, "loss", file));
    }
  }
  summary.phases = phase_table(rows, summary.accuracy, file);
  summary.headline = config.space + ": supernet, " +
                     counted(static_cast<std::int64_t>(config.phases.size()), "phase") + ", run " +
                     manifest.at("status").get<std::string>();
  return summary;
}

void print_train_summary(const General& general, const std::filesystem::path& folder) {
  const TrainSummary summary = summarise_train(folder);
  if (general.json) {
    print_json({{"run", folder.string()}, {"accuracy", summary.last}});
    return;
  }
  std::vector<Column> columns;
  for (const std::string& title : summary.phases.titles) columns.push_back({title});
  columns.front().align = Align::left;
  print(summary.headline + "\n\n" + table_text(columns, summary.phases.rows));
}

}  // namespace lathe::cli
