#include "search/cli/commands.hpp"
#include "search/cli/csv.hpp"
#include "search/cli/line_chart.hpp"
#include "search/cli/page.hpp"
#include "search/cli/print.hpp"
#include "search/cli/run_folder.hpp"
#include "search/cli/search_summary.hpp"
#include "search/cli/train_summary.hpp"
#include "spaces/base/error.hpp"
#include "spaces/base/json_io.hpp"
#include "spaces/base/run_dir.hpp"

#include <nlohmann/json.hpp>

namespace lathe::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// What made the run: enough to make it again.
void add_provenance(Page& page, const fs::path& folder, const json& manifest) {
  std::string command;
  for (const auto& word : manifest.at("command_line")) {
    command += (command.empty() ? "" : " ") + word.get<std::string>();
  }
  std::vector<std::pair<std::string, std::string>> facts = {
      {"command", command},
      {"folder", folder.string()},
      {"status", manifest.at("status")},
      {"started", manifest.at("started")},
      {"ended", manifest.at("ended").is_string() ? manifest.at("ended").get<std::string>() : "-"},
      {"seed", manifest.at("seed").dump()},
      {"program", manifest.at("program").get<std::string>() + " " +
                      manifest.at("revision").get<std::string>() + ", " +
                      manifest.at("build_type").get<std::string>()},
      {"machine", manifest.at("host").at("cpu").get<std::string>() + ", " +
                      manifest.at("host").at("system").get<std::string>()}};
  for (const json& input : manifest.at("inputs")) {
    facts.emplace_back("input " + input.value("name", ""),
                       input.value("file", "") + ", SHA-256 " + input.value("sha256", ""));
  }
  page.subheading("How it was made");
  page.facts(facts);
}

/// The hypervolume and the best accuracy over the evaluations.
void add_history(Page& page, const fs::path& file) {
  Series volume{"hypervolume", {}}, accuracy{"best accuracy", {}};
  for (const auto& row : read_csv(file, "evaluations,hypervolume,best_error")) {
    const double evaluations = number_in(row, "evaluations", file);
    volume.points.emplace_back(evaluations, number_in(row, "hypervolume", file));
    if (!row.at("best_error").empty()) {
      accuracy.points.emplace_back(evaluations, 1 - number_in(row, "best_error", file));
    }
  }
  if (volume.points.size() < 2) return;
  page.subheading("How the search went");
  page.picture(line_chart_svg({"Hypervolume: share of the box that the front dominates",
                               "networks evaluated",
                               "share",
                               {volume},
                               {}}));
  if (accuracy.points.empty()) return;
  page.picture(
      line_chart_svg({"Best accuracy so far", "networks evaluated", "accuracy", {accuracy}, {}}));
}

void add_search(Page& page, const fs::path& folder) {
  const SearchSummary summary = summarise_search(folder);
  page.paragraph(summary.headline);
  if (fs::exists(folder / "front.svg")) page.picture(read_file(folder / "front.svg"));
  page.subheading("The front");
  page.table(summary.front);
  page.paragraph(summary.front_note);
  if (!summary.chosen.empty()) {
    page.subheading("The chosen network");
    page.facts(summary.chosen);
  }
  if (!summary.verdict.empty()) {
    page.subheading("Compared with hand-made networks");
    page.paragraph(summary.verdict);
    if (!summary.compared.rows.empty()) page.table(summary.compared);
  }
  add_history(page, folder / "history.csv");
}

void add_train(Page& page, const fs::path& folder) {
  const TrainSummary summary = summarise_train(folder);
  page.paragraph(summary.headline);
  if (!summary.accuracy.empty()) {
    page.picture(line_chart_svg({"Accuracy on the validation images", "training step",
                                 "accuracy, batch norm recalibrated", summary.accuracy,
                                 summary.phase_starts}));
    page.picture(line_chart_svg({"Training loss, mean of an epoch",
                                 "training step",
                                 "loss",
                                 {summary.loss},
                                 summary.phase_starts}));
  }
  page.subheading("Where each network ended, by phase");
  page.table(summary.phases);
}

}  // namespace

void run(const General& general, const ReportOptions& options) {
  if (!options.out.empty()) refuse_existing(options.out, "choose another name");
  Page page(options.runs.size() == 1
                ? "Lathe: " + options.runs.front().filename().string()
                : "Lathe: " + counted(static_cast<std::int64_t>(options.runs.size()), "run"));
  bool first = true;
  for (const fs::path& folder : options.runs) {
    const json manifest = RunDir::read_manifest(folder, "");
    const std::string kind = manifest.at("kind");
    if (kind != "search" && kind != "train") {
      throw FormatError(
          Problem{folder.string(), "a train or search run", "a " + kind + " run", ""});
    }
    if (options.out.empty()) {
      if (!first && !general.json) print("\n");
      first = false;
      kind == "search" ? print_search_summary(general, folder)
                       : print_train_summary(general, folder);
      continue;
    }
    page.heading(kind + " run " + folder.string());
    kind == "search" ? add_search(page, folder) : add_train(page, folder);
    add_provenance(page, folder, manifest);
  }
  if (options.out.empty()) return;
  write_file(options.out, page.text());
  if (general.json) {
    print_json({{"report", options.out.string()}});
  } else {
    print(options.out.string() + "\n");
  }
}

}  // namespace lathe::cli
