#include "latency/job.hpp"
#include "search/cli/commands.hpp"
#include "search/cli/console_sink.hpp"
#include "search/cli/count_network.hpp"
#include "search/cli/place.hpp"
#include "search/cli/print.hpp"
#include "search/cli/run_folder.hpp"
#include "search/result_files.hpp"
#include "search/search_config.hpp"
#include "search/torch_door.hpp"
#include "spaces/base/error.hpp"
#include "spaces/base/file_io.hpp"
#include "spaces/base/json_io.hpp"
#include "spaces/base/run_lock.hpp"
#include "supernet/export/onnx_writer.hpp"
#include "supernet/export/onnxruntime.hpp"
#include "supernet/export/sidecar.hpp"
#include "supernet/export/verify.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>
#include <sstream>
#include <utility>

namespace lathe::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using supernet::ExportRecord;
using supernet::Forward;
using supernet::Verification;

std::vector<std::string> formats_of(const std::vector<std::string>& lists) {
  std::vector<std::string> formats;
  for (const std::string& list : lists) {
    std::istringstream words(list);
    for (std::string word; std::getline(words, word, ',');) {
      if (word != "onnx" && word != "torchscript") {
        throw ConfigError(Problem{"--to", "a format that this version writes: onnx, torchscript",
                                  '"' + word + '"', ""});
      }
      if (std::find(formats.begin(), formats.end(), word) == formats.end()) {
        formats.push_back(word);
      }
    }
  }
  return formats;
}

/// The network to export, the run whose weights it takes, and what a search found about it.
struct Source {
  fs::path train_run;
  std::string network, space;  ///< as typed or chosen; space empty: the supernet's own
  std::string search_run;      ///< the folder's name, or empty
  std::vector<supernet::ExportLatency> latencies;
};

/// One per device that the search measured.
std::vector<supernet::ExportLatency> latencies_of(const json& best, const json& manifest,
                                                  const fs::path& run) {
  std::vector<supernet::ExportLatency> latencies;
  const json tables = best.value("latency_ms", json::object());
  const json& facts = manifest.at("facts");
  for (const auto& [table, found] : tables.items()) {
    const auto ms = [&entry = found](const char* key) {
      return entry.contains(key) ? std::optional<Micros>(Millis(entry.at(key).get<double>()))
                                 : std::nullopt;
    };
    const std::string where = (run / "manifest.json").string() + ": /facts/device." + table;
    const auto fact = facts.find("device." + table);
    if (fact == facts.end()) {
      throw FormatError(
          Problem{where, "the device of the table that best.json names", "nothing", ""});
    }
    const latency::DeviceInfo device = latency::device_info_from_json(*fact, where);
    supernet::ExportLatency& one = latencies.emplace_back();
    one.table = table;
    one.budget = ms("budget");
    one.predicted = ms("predicted");
    one.measured = ms("measured");
    one.measured_p90 = ms("p90");
    one.device = device.model;
    one.engine = device.engine;
    one.engine_version = device.engine_version;
  }
  return latencies;
}

Source source_of(const ExportOptions& options) {
  const json manifest = RunDir::read_manifest(options.run, "");
  Source source;
  if (manifest.at("kind") == "train") {
    if (options.net.empty()) {
      throw ConfigError(Problem{"lathe export " + options.run.string(),
                                "a NET, for this is a train run", "none",
                                "name a network, or a search run"});
    }
    source.train_run = options.run;
    source.network = options.net;
    return source;
  }
  const json facts = manifest.value("facts", json::object());
  if (manifest.at("kind") != "search" || !facts.contains("train_run")) {
    throw FormatError(
        Problem{options.run.string(), "a train run, or a search run on a supernet",
                "a " + manifest.at("kind").get<std::string>() + " run without weights", ""});
  }
  const json& train_run = facts.at("train_run");
  if (!train_run.is_string()) {
    throw FormatError(Problem{(options.run / "manifest.json").string() + ": /facts/train_run",
                              "the folder of a train run", train_run.dump(), ""});
  }
  source.train_run = train_run.get<std::string>();
  source.search_run = fs::absolute(options.run).lexically_normal().filename().string();
  source.network = options.net;
  const json config = RunDir::read_config(options.run);
  source.space = search::read_search_config(config, options.run / "config.json").space;
  if (!options.net.empty()) return source;
  const fs::path file = options.run / "best.json";
  const json best = search::parse_best(read_file(file), file);
  source.network = best.at("network");
  source.latencies = latencies_of(best, manifest, options.run);
  return source;
}

/// A folder beside the product that becomes the product at the end, or is removed. Another process
/// that exports to the same place is refused; what a killed one left there is removed.
class Staging {
 public:
  explicit Staging(const fs::path& product)
      : product_(product),
        folder_(checked(product.string() + ".unfinished")),
        made_(folder_),
        lock_(std::in_place, product, "a place", folder_ / "lock") {
    for (const auto& entry : fs::directory_iterator(folder_)) {
      if (entry.path().filename() != "lock") fs::remove_all(entry.path());
    }
  }
  ~Staging() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;
  fs::path operator/(const std::string& name) const { return folder_ / name; }
  void finish() {
    lock_.reset();
    std::error_code error;
    fs::rename(folder_, product_, error);
    if (error) throw_unwritable(product_, error.value());
    made_.keep();
  }

 private:
  /// A folder without our lock is somebody else's.
  static fs::path checked(const fs::path& folder) {
    if (fs::exists(folder) && !fs::exists(folder / "lock") && !fs::is_empty(folder)) {
      throw ConfigError(Problem{folder.string(), "no such name, for the export is made there",
                                "a folder with files", "move it away, or choose another --out"});
    }
    return folder;
  }

  fs::path product_, folder_;
  NewFolder made_;  ///< the folders above it
  std::optional<RunLock> lock_;
};

/// What the supernet's subnet and the folded graph make of the same images.
struct Answers {
  supernet::Expected own;        ///< run by LibTorch
  supernet::Expected reference;  ///< run by the plain executor
};

Answers answers_of(search::TrainedSupernet& supernet, const spaces::NetworkSpec& net,
                   const supernet::Graph& folded, int count) {
  auto images = supernet.images(net.input, search::Split::test, count);
  auto logits = supernet.logits(net, images);
  return {{images, std::move(logits)}, supernet::expected_by_reference(folded, images)};
}

/// One written file, compared with both; the record keeps the comparison with the supernet's own.
struct Checked {
  supernet::ExportedFile file;
  Verification to_reference;
};

Checked write_onnx(const Staging& folder, const supernet::Graph& folded, const ExportRecord& record,
                   const Answers& answers) {
  const fs::path file = folder / "model.onnx";
  write_file(file, supernet::onnx_bytes(folded, supernet::onnx_metadata(record)));
  const auto library = supernet::find_onnxruntime();
  const Verification own = supernet::verify_onnx(file, library, answers.own);
  const Verification reference = supernet::verify_onnx(file, library, answers.reference);
  supernet::require_passed(own, file);
  supernet::require_passed(reference, file);
  return {supernet::exported_file(file, "onnx", own), reference};
}

Checked write_torchscript(const Staging& folder, const supernet::Graph& folded,
                          search::TorchDoor& door, const Answers& answers) {
  const fs::path file = folder / "model.pt";
  door.write_torchscript(folded, file);
  const auto script = door.load_torchscript(file);
  const Forward written = [&](const std::vector<float>& image) {
    return script->run(folded.input, image);
  };
  const Verification own = supernet::compare("torchscript", door.version(), written, answers.own);
  const Verification reference =
      supernet::compare("torchscript", door.version(), written, answers.reference);
  supernet::require_passed(own, file);
  supernet::require_passed(reference, file);
  return {supernet::exported_file(file, "torchscript", own), reference};
}

ExportRecord record_of(const Source& source, const spaces::NamedNetwork& network,
                       const spaces::NetworkSpec& net, search::TrainedSupernet& supernet,
                       EventSink& sink) {
  ExportRecord record;
  record.input = net.input;
  for (const float value : supernet.mean()) record.mean.push_back(value);
  for (const float value : supernet.deviation()) record.deviation.push_back(value);
  record.classes = supernet.classes();
  record.space = network.space.name();
  record.space_fingerprint = network.space.fingerprint();
  record.network = spaces::to_text(network.space, network.arch);
  record.decisions = dump_json_line(spaces::to_json(network.space, network.arch).at("decisions"));
  const NetworkCount count = count_network(network.space, network.arch, {}, {});
  record.macs = count.count.macs;
  record.params = count.count.params;
  record.peak_activation_bytes = count.peak_activation_bytes;
  record.latencies = source.latencies;
  const search::Accuracy accuracy =
      supernet.accuracies({net}, search::Split::test, 1, sink).front();
  record.accuracy = supernet::ExportAccuracy{accuracy.accuracy, "test", accuracy.images};
  record.train_run = fs::absolute(source.train_run).lexically_normal().filename().string();
  record.search_run = source.search_run;
  record.seed = RunDir::read_manifest(source.train_run, "train").at("seed");
  record.date = utc_now();
  return record;
}

std::string difference_text(const Verification& verification) {
  return digits(verification.largest_difference, 2);
}

void print_result(const General& general, const ExportRecord& record,
                  const std::vector<Checked>& files, const fs::path& out) {
  if (general.json) {
    json line = to_json(record);
    line["out"] = out.string();
    print_json(line);
    return;
  }
  std::vector<std::vector<std::string>> rows;
  for (const Checked& checked : files) {
    const Verification& own = checked.file.verification;
    rows.push_back({checked.file.name, text_bytes(checked.file.bytes),
                    own.engine + " " + own.version, difference_text(own),
                    difference_text(checked.to_reference)});
  }
  print("network   " + record.network + "\naccuracy  " + percent(record.accuracy->accuracy) +
        " on " + counted(record.accuracy->images, record.accuracy->split + " image") + "\n\n");
  print(table_text({{"file", Align::left},
                    {"size"},
                    {"run again in", Align::left},
                    {"to supernet"},
                    {"to reference"}},
                   rows));
  const Verification& first = files.front().file.verification;
  print("largest difference of any logit, on " + std::to_string(first.images) +
        " test images; the largest logit is " + digits(first.largest_logit, 3) + "\n\nFiles in " +
        out.string() + "\nmodel.json says what the others hold and how images are prepared\n");
}

}  // namespace

void run(const General& general, const ExportOptions& options) {
  const std::vector<std::string> formats = formats_of(options.to);
  refuse_existing(options.out, "choose another name");
  const Source source = source_of(options);
  const auto door = search::open_torch_door(1);
  const auto supernet = door->open(source.train_run, configs_folder(general));
  const auto space = source.space.empty() ? supernet->space() : load_space(source.space, general);
  const auto networks = read_networks({source.network}, space);
  if (networks.size() != 1) {
    throw ConfigError(Problem{"lathe export", "one network", std::to_string(networks.size()), ""});
  }
  ConsoleSink sink(general.quiet);
  const spaces::NetworkSpec net = networks.front().space.decode(networks.front().arch);
  supernet::Graph folded = supernet->graph(net);
  supernet::fold_batch_norm(folded);
  ExportRecord record = record_of(source, networks.front(), net, *supernet, sink);
  const Answers answers = answers_of(*supernet, net, folded, options.images);

  Staging staging(options.out);
  std::vector<Checked> files;
  for (const std::string& format : formats) {
    files.push_back(format == "onnx" ? write_onnx(staging, folded, record, answers)
                                     : write_torchscript(staging, folded, *door, answers));
    record.files.push_back(files.back().file);
  }
  supernet::save_sidecar(record, staging / "model.json");
  staging.finish();
  if (!supernet::find_onnxruntime()) {
    const json why = {{"message", supernet::onnxruntime_search_text()}};
    sink.event({Level::warn, "export.engine", why});
  }
  print_result(general, record, files, options.out);
}

}  // namespace lathe::cli
