#include "supernet/export/sidecar.hpp"

#include "spaces/base/config_reader.hpp"
#include "spaces/base/error.hpp"
#include "spaces/base/hash.hpp"
#include "spaces/base/json_io.hpp"

#include <nlohmann/json.hpp>

#include <cstdlib>
#include <limits>
#include <utility>

namespace lathe::supernet {
namespace {

using nlohmann::json;

constexpr const char* kFormat = "lathe.export";
constexpr int kVersion = 2;
constexpr Range<std::int64_t> kCount{0, std::numeric_limits<std::int64_t>::max()};
constexpr Range<double> kNumber{0, std::numeric_limits<double>::max()};

json milliseconds(const std::optional<Micros>& duration) {
  return duration ? json(Millis(*duration).count()) : json();
}

json to_json(const Verification& v) {
  return {{"engine", v.engine},
          {"engine_version", v.version},
          {"images", v.images},
          {"largest_difference", v.largest_difference},
          {"largest_logit", v.largest_logit},
          {"relative_difference", v.relative_difference},
          {"bound", v.bound}};
}

json to_json(const ExportedFile& file) {
  return {{"name", file.name},
          {"format", file.format},
          {"bytes", file.bytes},
          {"sha256", file.sha256},
          {"verification", to_json(file.verification)}};
}

json to_json(const ExportLatency& latency) {
  return {{"table", latency.table},
          {"device", latency.device},
          {"engine", latency.engine},
          {"engine_version", latency.engine_version},
          {"budget_ms", milliseconds(latency.budget)},
          {"predicted_ms", milliseconds(latency.predicted)},
          {"measured_ms", milliseconds(latency.measured)},
          {"measured_p90_ms", milliseconds(latency.measured_p90)}};
}

json name_or_null(const std::string& name) { return name.empty() ? json() : json(name); }

void read_verification(ConfigReader& r, Verification& v) {
  r.required().string("engine", v.engine, "what ran the file");
  r.required().string("engine_version", v.version, "its version");
  r.required().integer("images", v.images, {1, 1 << 30}, "images compared");
  r.required().number("largest_difference", v.largest_difference, kNumber, "of any logit");
  r.required().number("largest_logit", v.largest_logit, kNumber, "absolute, over all images");
  r.required().number("relative_difference", v.relative_difference, kNumber,
                      "largest of difference / largest logit of the image");
  r.required().number("bound", v.bound, kNumber, "of relative_difference");
}

void read_file_entry(ConfigReader& r, ExportedFile& file) {
  r.required().string("name", file.name, "in the sidecar's folder");
  r.required().word("format", file.format, {"onnx", "torchscript"}, "of the file");
  r.required().integer64("bytes", file.bytes, kCount, "size");
  r.required().string("sha256", file.sha256, "of the file");
  r.required().object(
      "verification", [&](ConfigReader& v) { read_verification(v, file.verification); },
      "how far its logits are from the network's own");
}

/// A number of milliseconds or null.
void read_milliseconds(ConfigReader& r, const std::string& key, std::optional<Micros>& value,
                       const std::string& meaning) {
  json found;
  r.required().any(key, found, meaning);
  if (found.is_null()) return;
  if (!found.is_number() || found.get<double>() < 0) {
    r.refuse(key, "milliseconds or null", found.dump());
  }
  value = Millis(found.get<double>());
}

void read_name(ConfigReader& r, const std::string& key, std::string& value,
               const std::string& meaning) {
  json found;
  r.required().any(key, found, meaning);
  if (found.is_null()) return;
  if (!found.is_string()) r.refuse(key, "a text or null", found.dump());
  value = found.get<std::string>();
}

void read_input(ConfigReader& r, ExportRecord& record) {
  std::string name, layout;
  std::vector<int> shape;
  r.required().word("name", name, {kOnnxInput}, "of the input");
  r.required().word("layout", layout, {"NCHW"}, "order of the axes");
  r.required().integers("shape", shape, {1, 1 << 24}, "batch, channels, height, width");
  if (shape.size() != 4 || shape[0] != 1) {
    r.refuse("shape", "1, channels, height, width", json(shape).dump());
  }
  record.input = {shape[2], shape[3], shape[1]};
  r.required().numbers("mean", record.mean, {-1e9, 1e9}, "per channel, of pixels in [0, 1]");
  r.required().numbers("deviation", record.deviation, {0, 1e9}, "likewise");
}

void read_output(ConfigReader& r, ExportRecord& record) {
  std::string name;
  r.required().word("name", name, {kOnnxOutput}, "of the output");
  r.required().strings("classes", record.classes, "in the order of the logits");
}

void read_network(ConfigReader& r, ExportRecord& record) {
  std::string fingerprint;
  json decisions;
  r.required().string("space", record.space, "name of the search space");
  r.required().string("space_fingerprint", fingerprint, "16 hexadecimal digits");
  char* end = nullptr;
  record.space_fingerprint = std::strtoull(fingerprint.c_str(), &end, 16);
  if (hex(record.space_fingerprint) != fingerprint) {
    r.refuse("space_fingerprint", "16 hexadecimal digits", "\"" + fingerprint + "\"");
  }
  r.required().string("text", record.network, "one-line text");
  r.required().any("decisions", decisions, "value of every decision");
  if (!decisions.is_object()) r.refuse("decisions", "an object", decisions.dump());
  for (const auto& [name, value] : decisions.items()) {
    if (value.is_number() || value.is_string()) continue;
    r.refuse("decisions", "a number or a word for " + quote(name), value.dump());
  }
  record.decisions = dump_json_line(decisions);
  r.required().integer64("macs", record.macs, kCount, "multiply-accumulates");
  r.required().integer64("params", record.params, kCount, "trainable scalars");
  r.required().integer64("peak_activation_bytes", record.peak_activation_bytes, kCount,
                         "fp32, batch 1");
}

void read_latency(ConfigReader& r, ExportLatency& latency) {
  r.required().string("table", latency.table, "its name in the search");
  r.required().string("device", latency.device, "what was measured");
  r.required().string("engine", latency.engine, "what ran there");
  r.required().string("engine_version", latency.engine_version, "its version");
  read_milliseconds(r, "budget_ms", latency.budget, "what was allowed");
  read_milliseconds(r, "predicted_ms", latency.predicted, "by the table");
  read_milliseconds(r, "measured_ms", latency.measured, "median of whole-network runs");
  read_milliseconds(r, "measured_p90_ms", latency.measured_p90, "their 90th percentile");
}

void read_accuracy(ConfigReader& r, ExportAccuracy& accuracy) {
  r.required().number("value", accuracy.accuracy, {0, 1}, "fraction");
  r.required().word("split", accuracy.split, {"val", "test"}, "which images");
  r.required().integer("images", accuracy.images, {1, 1 << 30}, "how many");
}

void read_made_by(ConfigReader& r, ExportRecord& record) {
  Build& build = record.build;
  r.required().string("version", build.version, "of lathe");
  r.required().string("revision", build.revision, "git commit");
  r.required().boolean("dirty", build.dirty, "whether the checkout had changes");
  r.required().string("compiler", build.compiler, "and its version");
  r.required().string("build_type", build.build_type, "as CMake calls it");
}

void read_record(ConfigReader& r, ExportRecord& record) {
  r.header(kFormat, kVersion);
  r.required().objects(
      "files",
      [&](ConfigReader& f, std::size_t) { read_file_entry(f, record.files.emplace_back()); },
      "deployment files");
  r.required().object(
      "input", [&](ConfigReader& i) { read_input(i, record); }, "image");
  r.required().object(
      "output", [&](ConfigReader& o) { read_output(o, record); }, "logits");
  r.required().object(
      "network", [&](ConfigReader& n) { read_network(n, record); }, "which");
  r.required().objects(
      "latency",
      [&](ConfigReader& l, std::size_t) { read_latency(l, record.latencies.emplace_back()); },
      "one per device");
  r.object(
      "accuracy", [&](ConfigReader& a) { read_accuracy(a, record.accuracy.emplace()); },
      "absent if it was not evaluated");
  read_name(r, "train_run", record.train_run, "folder of the supernet's run");
  read_name(r, "search_run", record.search_run, "folder of the search run");
  json seed;
  r.required().any("seed", seed, "of the export");
  if (!seed.is_number_unsigned()) r.refuse("seed", "a whole number from 0", seed.dump());
  record.seed = seed.get<std::uint64_t>();
  r.required().string("date", record.date, "UTC");
  r.required().object(
      "made_by", [&](ConfigReader& b) { read_made_by(b, record); }, "program");
}

}  // namespace

ExportedFile exported_file(const std::filesystem::path& file, const std::string& format,
                           const Verification& verification) {
  ExportedFile entry;
  entry.sha256 = sha256_of_file(file);
  entry.bytes = static_cast<std::int64_t>(std::filesystem::file_size(file));
  entry.name = file.filename().string();
  entry.format = format;
  entry.verification = verification;
  return entry;
}

OnnxMetadata onnx_metadata(const ExportRecord& record) {
  OnnxMetadata metadata;
  const auto text = [&](const char* key, const std::string& value) {
    if (!value.empty()) metadata.emplace_back(std::string("lathe.") + key, value);
  };
  const auto value = [&](const char* key, const json& number) {
    if (!number.is_null()) text(key, dump_json_line(number));
  };
  text("version", record.build.version);
  text("revision", record.build.revision);
  text("date", record.date);
  text("space", record.space);
  text("space_fingerprint", hex(record.space_fingerprint));
  text("network", record.network);
  value("classes", record.classes);
  value("input_mean", record.mean);
  value("input_deviation", record.deviation);
  value("macs", record.macs);
  value("params", record.params);
  for (const ExportLatency& latency : record.latencies) {
    const bool alone = record.latencies.size() == 1;
    const std::string prefix = alone ? "latency_" : "latency." + latency.table + ".";
    text((prefix + "device").c_str(), latency.device);
    text((prefix + "engine").c_str(), latency.engine);
    value((prefix + "budget_ms").c_str(), milliseconds(latency.budget));
    value((prefix + "predicted_ms").c_str(), milliseconds(latency.predicted));
    value((prefix + "measured_ms").c_str(), milliseconds(latency.measured));
  }
  if (record.accuracy) {
    value("accuracy", record.accuracy->accuracy);
    text("accuracy_split", record.accuracy->split);
    value("accuracy_images", record.accuracy->images);
  }
  return metadata;
}

json to_json(const ExportRecord& record) {
  json files = json::array();
  for (const ExportedFile& file : record.files) files.push_back(to_json(file));
  const spaces::Shape& in = record.input;
  json latencies = json::array();
  for (const ExportLatency& latency : record.latencies) latencies.push_back(to_json(latency));
  json value = {{"format", kFormat},
                {"version", kVersion},
                {"files", files},
                {"input",
                 {{"name", kOnnxInput},
                  {"layout", "NCHW"},
                  {"shape", {1, in.channels, in.height, in.width}},
                  {"mean", record.mean},
                  {"deviation", record.deviation}}},
                {"output", {{"name", kOnnxOutput}, {"classes", record.classes}}},
                {"network",
                 {{"space", record.space},
                  {"space_fingerprint", hex(record.space_fingerprint)},
                  {"text", record.network},
                  {"decisions", parse_json(record.decisions, "decisions", Comments::refused)},
                  {"macs", record.macs},
                  {"params", record.params},
                  {"peak_activation_bytes", record.peak_activation_bytes}}},
                {"latency", latencies},
                {"train_run", name_or_null(record.train_run)},
                {"search_run", name_or_null(record.search_run)},
                {"seed", record.seed},
                {"date", record.date},
                {"made_by", lathe::to_json(record.build)}};
  if (record.accuracy) {
    value["accuracy"] = {{"value", record.accuracy->accuracy},
                         {"split", record.accuracy->split},
                         {"images", record.accuracy->images}};
  }
  return value;
}

void save_sidecar(const ExportRecord& record, const std::filesystem::path& file) {
  for (const ExportedFile& entry : record.files) {
    LATHE_CHECK(entry.verification.passed(), entry.name + " did not pass its verification");
  }
  write_file(file, dump_json(to_json(record)));
}

ExportRecord load_sidecar(const std::filesystem::path& file) {
  return parse_sidecar(read_file(file), file);
}

ExportRecord parse_sidecar(std::string_view text, const std::filesystem::path& file) {
  ExportRecord record;
  ConfigReader::read(parse_json(text, file.string(), Comments::refused), file, Strictness::data,
                     [&](ConfigReader& r) { read_record(r, record); });
  return record;
}

}  // namespace lathe::supernet
