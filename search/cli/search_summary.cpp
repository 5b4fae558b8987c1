#include "search/cli/search_summary.hpp"

#include "search/cli/print.hpp"
#include "search/constraint.hpp"
#include "search/result_files.hpp"
#include "spaces/base/error.hpp"
#include "spaces/base/json_io.hpp"
#include "spaces/base/run_dir.hpp"
#include "spaces/base/units.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <set>

namespace lathe::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::size_t kMostRows = 16;
constexpr std::size_t kColumns = 79;

json load_if_there(const fs::path& file,
                   json (*parse)(std::string_view text, const fs::path& file)) {
  return fs::exists(file) ? parse(read_file(file), file) : json();
}

json parse_comparison(std::string_view text, const fs::path& file) {
  return parse_json(text, file.string(), Comments::refused);
}

std::string ms_text(double ms) { return text(Micros(Millis(ms))); }

/// Measured median by table name, of the network with that index; empty: not measured.
std::map<int, std::map<std::string, double>> measured_medians(const json& measured) {
  std::map<int, std::map<std::string, double>> medians;
  if (measured.is_null()) return medians;
  for (const json& network : measured.at("networks")) {
    for (const auto& [table, latency] : network.at("latency_ms").items()) {
      if (latency.contains("measured")) {
        medians[network.at("index")][table] = latency.at("measured");
      }
    }
  }
  return medians;
}

/// Indices of the points to show: the ends, the chosen and measured ones, the rest evenly spread.
std::vector<std::size_t> shown_points(const json& points, int chosen,
                                      const std::map<int, std::map<std::string, double>>& medians) {
  std::set<std::size_t> shown;
  if (points.size() <= kMostRows) {
    for (std::size_t i = 0; i < points.size(); ++i) shown.insert(i);
  } else {
    for (std::size_t i = 0; i < points.size(); ++i) {
      const int index = points[i].at("index");
      if (index == chosen || (medians.count(index) > 0 && shown.size() < kMostRows)) {
        shown.insert(i);
      }
    }
    for (std::size_t i = 0; shown.size() < kMostRows && i < kMostRows; ++i) {
      shown.insert(i * (points.size() - 1) / (kMostRows - 1));
    }
  }
  return {shown.begin(), shown.end()};
}

/// "latency" where there is one table, "latency.NAME" where there are several, and its table's
/// name.
std::string table_of(const std::string& objective, const std::set<std::string>& tables) {
  if (objective == "latency" && tables.size() == 1) return *tables.begin();
  const std::string prefix = "latency.";
  return objective.rfind(prefix, 0) == 0 ? objective.substr(prefix.size()) : "";
}

bool has_objective(const json& front, const std::string& name) {
  const json& objectives = front.at("objectives");
  return std::find(objectives.begin(), objectives.end(), name) != objectives.end();
}

void fill_front(SearchSummary& summary, const json& front, const json& measured, int chosen) {
  const auto medians = measured_medians(measured);
  std::set<std::string> tables;
  for (const auto& [index, by_table] : medians) {
    for (const auto& [table, median] : by_table) tables.insert(table);
  }
  summary.front.titles = {"", "accuracy"};
  for (const std::string objective : front.at("objectives")) {
    if (objective == "error") continue;
    summary.front.titles.push_back(objective);
    if (!table_of(objective, tables).empty()) summary.front.titles.push_back("measured");
  }
  const bool by_macs = has_objective(front, "macs"), by_params = has_objective(front, "params");
  if (!by_macs) summary.front.titles.emplace_back("MACs");
  if (!by_params) summary.front.titles.emplace_back("parameters");
  summary.front.titles.emplace_back("network");
  const json& points = front.at("points");
  const std::vector<std::size_t> shown = shown_points(points, chosen, medians);
  for (const std::size_t i : shown) {
    const json& point = points[i];
    const int index = point.at("index");
    std::vector<std::string> row = {index == chosen ? "*" : "",
                                    percent(1 - point.at("error").get<double>())};
    for (const std::string objective : front.at("objectives")) {
      if (objective == "error") continue;
      row.push_back(search::text_of(objective, point.at("objectives").at(objective)));
      const std::string table = table_of(objective, tables);
      if (table.empty()) continue;
      const auto known = medians.find(index);
      const bool has = known != medians.end() && known->second.count(table) > 0;
      row.push_back(has ? ms_text(known->second.at(table)) : "-");
    }
    if (!by_macs) row.push_back(text_count(point.at("macs")));
    if (!by_params) row.push_back(text_count(point.at("params")));
    row.push_back(point.at("network"));
    summary.front.rows.push_back(std::move(row));
  }
  summary.front_note = std::to_string(shown.size()) + " of " + std::to_string(points.size()) +
                       " points of the front" + (chosen < 0 ? "" : "; * is the chosen one");
}

std::string proof_text(const json& latency) {
  if (latency.contains("failure"))
    return "not measured: " + latency.at("failure").get<std::string>();
  std::string all;
  if (latency.contains("predicted")) all += "predicted " + ms_text(latency.at("predicted"));
  if (latency.contains("measured")) {
    all += (all.empty() ? "" : ", ") + std::string("measured ") + ms_text(latency.at("measured")) +
           " (P90 " + ms_text(latency.at("p90")) + ", " + counted(latency.at("samples"), "run") +
           ")";
  }
  return all;
}

void fill_latency(SearchSummary& summary, const std::string& table, const json& latency) {
  auto& rows = summary.chosen;
  rows.emplace_back("latency, " + table, proof_text(latency));
  if (!latency.contains("budget")) return;
  const bool held = latency.value("within_budget", false);
  rows.emplace_back("budget",
                    ms_text(latency.at("budget")) + ": " + (held ? "held" : "not proved"));
  if (latency.value("clock", "") == "thread_cpu" && latency.contains("wall_median")) {
    const bool wall = latency.value("wall_within_budget", true);
    rows.emplace_back("wall clock", "median " + ms_text(latency.at("wall_median")) +
                                        (wall ? ", within the budget too"
                                              : ", over the budget: other work took the core"));
  }
}

void fill_chosen(SearchSummary& summary, const json& best, const json& front) {
  if (best.is_null()) return;
  auto& rows = summary.chosen;
  rows.emplace_back("network", best.at("network"));
  rows.emplace_back("accuracy", percent(best.at("accuracy")) + " as the search judged it");
  for (const auto& [name, value] : best.at("objectives").items()) {
    const bool is_latency = name.rfind("latency", 0) == 0;
    const bool is_size = name == "macs" || name == "params";  // told below, with its unit
    if (name == "error" || is_size || (is_latency && best.contains("latency_ms"))) continue;
    rows.emplace_back(name, search::text_of(name, value));
  }
  rows.emplace_back("size", text_count(best.at("macs")) + " MACs, " +
                                text_count(best.at("params")) + " parameters");
  const json latencies = best.value("latency_ms", json::object());
  for (const auto& [table, latency] : latencies.items()) fill_latency(summary, table, latency);
  if (best.at("proved").get<bool>()) return;
  bool bounded = false;
  for (const auto& [name, bound] : front.at("constraints").items()) {
    bounded = bounded || name.rfind("latency", 0) == 0;
  }
  if (bounded && latencies.empty()) {
    rows.emplace_back("proof", "none: the budget was not measured");
  }
}

std::string points_text(double fraction) {
  char text[32];
  std::snprintf(text, sizeof text, "%+.1f", fraction * 100);
  return text;
}

/// On every device, in the order of their names: "1.20 ms, 3.41 ms".
std::string measured_text(const json& network) {
  std::string all;
  for (const auto& [table, latency] : network.at("latency_ms").items()) {
    all += (all.empty() ? "" : ", ") + ms_text(latency.at("measured"));
  }
  return all;
}

void fill_comparison(SearchSummary& summary, const json& comparison) {
  if (comparison.is_null()) return;
  const json& networks = comparison.at("networks");
  const json& best = comparison.at("best_hand_made");
  const std::string verdict = comparison.at("chosen_is");
  if (best.is_null()) {
    summary.verdict = verdict;
    return;
  }
  const json& interval = best.at("interval");
  summary.verdict =
      "Against the best of " +
      counted(static_cast<std::int64_t>(networks.size()), "hand-made uniform network") +
      " as fast: " + verdict + ", " + points_text(best.at("difference")) +
      " points (95 % interval " + points_text(interval[0]) + " to " + points_text(interval[1]) +
      ") on " +
      counted(comparison.at("images"), comparison.at("split").get<std::string>() + " image") +
      ". That one is " + best.at("network").get<std::string>() + ".";
  summary.compared.titles = {"accuracy",      "measured",  "difference",
                             "95 % interval", "chosen is", "network"};
  const json& chosen = comparison.at("chosen");
  summary.compared.rows.push_back({percent(chosen.at("accuracy")), measured_text(chosen), "", "",
                                   "the chosen one", chosen.at("network")});
  for (const json& network : networks) {
    const json& range = network.at("interval");
    summary.compared.rows.push_back({percent(network.at("accuracy")), measured_text(network),
                                     points_text(network.at("difference")),
                                     points_text(range[0]) + " to " + points_text(range[1]),
                                     network.at("chosen_is"), network.at("network")});
  }
}

void fill_files(SearchSummary& summary, const fs::path& folder) {
  const std::pair<const char*, const char*> known[] = {
      {"best.json", "the chosen network"},
      {"front.json", "the front"},
      {"front.svg", "the front as a picture"},
      {"evaluated.jsonl", "every network evaluated"},
      {"measured.json", "every network measured whole"},
      {"comparison.json", "the comparison with hand-made networks"}};
  for (const auto& [name, what] : known) {
    if (fs::exists(folder / name)) summary.files.emplace_back(name, what);
  }
}

/// The table without its last column where that column would not fit the terminal.
std::string fitted_table(const TextTable& table) {
  std::vector<Column> columns;
  std::size_t width = 0;
  for (std::size_t i = 0; i < table.titles.size(); ++i) {
    std::size_t widest = table.titles[i].size();
    for (const auto& row : table.rows) widest = std::max(widest, row[i].size());
    width += widest + 2;
    const bool last = i + 1 == table.titles.size();
    columns.push_back({table.titles[i], last ? Align::left : Align::right});
  }
  if (width <= kColumns + 2) return table_text(columns, table.rows);
  columns.pop_back();
  auto rows = table.rows;
  for (auto& row : rows) row.pop_back();
  return table_text(columns, rows);
}

}  // namespace

SearchSummary summarise_search(const fs::path& folder) {
  const json manifest = RunDir::read_manifest(folder, "search");
  try {
    const fs::path front_file = folder / "front.json";
    const json front = search::parse_front(read_file(front_file), front_file);
    const json best = load_if_there(folder / "best.json", search::parse_best);
    const int chosen = best.is_null() ? -1 : best.at("index").get<int>();
    SearchSummary summary;
    summary.has_weights = manifest.at("facts").contains("train_run");
    std::string costs;
    for (const std::string objective : front.at("objectives")) {
      if (objective != "error") costs += (costs.empty() ? "" : ", ") + objective;
    }
    summary.headline = front.at("space").get<std::string>() + ": error" +
                       (costs.empty() ? "" : " against " + costs) + ", " +
                       counted(front.at("evaluations"), "network") + " evaluated, run " +
                       manifest.at("status").get<std::string>();
    fill_front(summary, front, load_if_there(folder / "measured.json", search::parse_measured),
               chosen);
    fill_chosen(summary, best, front);
    fill_comparison(summary, load_if_there(folder / "comparison.json", parse_comparison));
    fill_files(summary, folder);
    return summary;
  } catch (const json::exception& error) {
    throw FormatError(
        Problem{folder.string(), "the files of a search run of this version", error.what(), ""});
  }
}

void print_search_summary(const General& general, const fs::path& folder) {
  if (general.json) {
    json line = {{"run", folder.string()}};
    const fs::path best = folder / "best.json";
    line.update(search::parse_best(read_file(best), best));
    print_json(line);
    return;
  }
  const SearchSummary summary = summarise_search(folder);
  print(wrapped(summary.headline, 0) + "\n\n" + fitted_table(summary.front) + summary.front_note +
        "\n");
  if (!summary.chosen.empty()) {
    print("\nChosen\n" + facts_text(summary.chosen));
  }
  if (!summary.verdict.empty()) {
    print("\nCompared, measured again together\n" + wrapped(summary.verdict, 0) + "\n" +
          fitted_table(summary.compared));
  }
  print("\nFiles in " + folder.string() + "\n" + facts_text(summary.files));
  print("\nNext\nlathe report " + folder.string() + " --out report.html\n");
  if (!summary.chosen.empty() && summary.has_weights) {
    print("lathe export " + folder.string() + " --to onnx,torchscript --out deploy\n");
  }
}

}  // namespace lathe::cli
