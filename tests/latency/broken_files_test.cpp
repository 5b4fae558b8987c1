// Every broken form of the files that latency/ reads.

#include "tests/support/broken_files.hpp"

#include "latency/device_config.hpp"
#include "latency/latency_table.hpp"
#include "latency/measurement_log.hpp"
#include "latency/plan.hpp"
#include "spaces/base/json_io.hpp"
#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>

using namespace lathe;
using namespace lathe::latency;
using nlohmann::json;
using test::BrokenFiles;
using test::check_broken_files;
using test::example_in;
using test::Lawful;
using test::Mutation;

namespace {

/// Free texts, sizes up to 64 bits and numbers that may be whole, in the head of table and log.
std::vector<Lawful> lawful_head(const std::string& at) {
  return {{at + "/seed", {Mutation::huge}}};
}

json example_table() { return json::parse(example_in("latency-table.md", "json")); }

}  // namespace

TEST_CASE("every broken latency table is refused", "[latency][broken]") {
  BrokenFiles files{"table.json", example_in("latency-table.md", "json"),
                    [](const auto& file) { LatencyTable::load(file); }};
  files.lawful = lawful_head("");
  files.lawful.push_back({"/residual_autocorrelation", {Mutation::minus}});
  check_broken_files(files);
}

TEST_CASE("every broken measurements file is refused", "[latency][broken]") {
  json value = example_table();
  value["networks"] = value["fit_networks"];
  value["format"] = "lathe.measurements";
  for (const char* key : {"scale", "scale_networks", "residual_autocorrelation", "samples",
                          "entries", "failures", "fit_networks", "check_networks"}) {
    value.erase(key);
  }
  BrokenFiles files{"nets.json", value.dump(1), [](const auto& file) { load_measurements(file); }};
  files.lawful = lawful_head("");
  check_broken_files(files);
}

TEST_CASE("every broken measurement log is refused", "[latency][broken]") {
  BrokenFiles files{"table.json.samples.jsonl", example_in("measurement-log.md", "jsonl"),
                    [](const auto& file) { read_log(file); }};
  files.lines = true;
  files.lawful = lawful_head("/0/section");
  const std::vector<Mutation> numbers = {Mutation::integer, Mutation::fraction};
  files.lawful.push_back({"/*/sample/frequency_mhz", numbers});
  files.lawful.push_back({"/*/sample/temperature_c", numbers});
  const std::vector<Mutation> large = {Mutation::huge, Mutation::unsigned64, Mutation::beyond};
  files.lawful.push_back({"/*/sample/max_difference", large});
  check_broken_files(files);
}

TEST_CASE("every broken measure config is refused", "[latency][config][broken]") {
  BrokenFiles files{
      "measure.json", read_file("configs/measure/default.json"),
      [](const auto& file) { read_measure_config(load_json(file, Comments::allowed), file); }};
  files.code = ExitCode::usage;
  check_broken_files(files);
}

TEST_CASE("every broken device config is refused", "[latency][config][broken]") {
  BrokenFiles files{"device.json", read_file("configs/devices/this-machine.json"),
                    [](const auto& file) { find_device_config(file.string(), "configs"); }};
  files.code = ExitCode::usage;
  files.missing = "none of these";
  check_broken_files(files);
}

TEST_CASE("every broken job of lathe-probe is refused", "[latency][broken]") {
  const json table = example_table();
  json net = table["fit_networks"][0]["net"];
  net["blocks"][0]["inputs"] = {-1};
  net["outputs"] = {1};
  const json job = {{"format", "lathe.job"},
                    {"version", 1},
                    {"key_grammar", 1},
                    {"engine", "reference"},
                    {"protocol", table["protocol"]},
                    {"seed", 7},
                    {"done", {{0, 1}}},
                    {"items", {{{"name", "d1"}, {"net", net}}}}};
  BrokenFiles files{"job.json", job.dump(1), [](const auto& file) {
                      engine_job_from_json(load_json(file, Comments::refused), file.string());
                    }};
  files.lawful = {{"/seed", {Mutation::huge}}};
  check_broken_files(files);
}

TEST_CASE("every broken line of lathe-probe is refused", "[latency][broken]") {
  const json table = example_table();
  const json started = {{"device", table["device"]},
                        {"clock", {{"frequency_mhz", 2400.5}, {"temperature_c", "unknown"}}}};
  const json sample = {{"item", 0},
                       {"round", 1},
                       {"by_clock_us", {1.5, 2.5}},
                       {"wall_us", {1.75, 2.75}},
                       {"frequency_mhz", 2400.5},
                       {"temperature_c", 50.5},
                       {"max_difference", 1e-7}};
  const json failed = {{"item", 0}, {"round", 1}, {"failure", "no such kernel"}};
  std::string text;
  for (const json& line : {json{{"started", started}}, json{{"began", {{"item", 0}, {"round", 1}}}},
                           json{{"sample", sample}}, json{{"sample", failed}},
                           json{{"ended", {{"stopped", false}}}}}) {
    text += line.dump() + "\n";
  }
  BrokenFiles files{"probe.jsonl", text, [](const auto& file) {
                      read_jsonl(file, [&](int number, const json& line) {
                        probe_line_from_json(line,
                                             file.string() + ": line " + std::to_string(number));
                      });
                    }};
  files.lines = true;
  files.may_be_empty = true;
  files.lawful = {
      {"/2/sample/temperature_c", {Mutation::minus}},
      {"/0/started/clock/temperature_c", {Mutation::integer, Mutation::fraction}},
      {"/2/sample/max_difference", {Mutation::huge, Mutation::unsigned64, Mutation::beyond}}};
  check_broken_files(files);
}
