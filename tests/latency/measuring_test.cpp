#include "latency/measuring.hpp"

#include "latency/latency_model.hpp"
#include "latency/measurement_log.hpp"
#include "spaces/base/json_io.hpp"
#include "tests/latency/networks.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/recording_sink.hpp"
#include "tests/support/scratch_folder.hpp"
#include "tests/support/simulated_device.hpp"

#include <nlohmann/json.hpp>

#include <fstream>
#include <set>

using namespace lathe;
using namespace lathe::latency;
using test::RecordingSink;
using test::ScratchFolder;
using test::SimulatedDevice;

namespace {

const std::string kStem = "conv 16x16x3 > 8 k3 s2 hswish";
const std::string kNarrow = "mbconv 8x8x8 > 8 k3 m16 s1 relu id";
const std::string kWide = "mbconv 8x8x8 > 8 k5 m64 s1 relu id";
const std::string kHead = "conv 8x8x8 > 32 k1 s1 relu";

Item network(const std::string& name, const std::vector<std::string>& keys) {
  return {name, test::network_of(keys)};
}

Plan example_plan() {
  Plan plan;
  plan.space = "example";
  plan.space_fingerprint = 42;
  for (const auto& key : {kStem, kNarrow, kWide, kHead})
    plan.blocks.push_back(test::block_item(key));
  plan.fit = {network("f1", {kStem, kNarrow, kHead}), network("f2", {kStem, kWide, kHead})};
  plan.check = {network("c1", {kStem, kHead}), network("c2", {kStem, kNarrow, kWide, kHead}),
                network("c3", {kStem, kWide, kWide, kHead})};
  return plan;
}

MeasureOptions options_for(const ScratchFolder& scratch) {
  MeasureOptions options;
  options.protocol.rounds = 6;
  options.seed = 3;
  options.samples = scratch / "t.json.samples.jsonl";
  options.allow_debug = true;
  return options;
}

std::size_t sample_count(const std::filesystem::path& log) {
  return read_log(log).back().samples.size();
}

std::string saved(const LatencyTable& table, const ScratchFolder& scratch) {
  table.save(scratch / "saved.json");
  return read_file(scratch / "saved.json");
}

/// A table's content without the dates and the like that differ between two runs.
nlohmann::json content(const LatencyTable& table, const ScratchFolder& scratch) {
  nlohmann::json value = nlohmann::json::parse(saved(table, scratch));
  value.erase("date");
  return value;
}

}  // namespace

TEST_CASE("a table holds every block, a fitted scale and its check", "[latency][measuring]") {
  const ScratchFolder scratch;
  SimulatedDevice device;
  RecordingSink sink;
  const Plan plan = example_plan();
  const LatencyTable table = measure_table(plan, device, options_for(scratch), sink);
  CHECK(table.entries().size() == 4);
  CHECK(device.measured.size() == 9 * 6);
  for (const Item& item : plan.blocks) {
    const auto& entry = table.entries().at({item.name, spaces::Precision::fp32});
    const double truth = device.latency_of(item.net).count();
    // Noise is uniform in 2 %; the 25th percentile of 30 samples is near 0.5 %.
    CHECK(entry.statistic.count() == Approx(truth * 1.005).epsilon(0.01));
    CHECK(entry.median >= entry.statistic);
    CHECK(entry.wall_median.count() == Approx(1.1 * entry.median.count()).epsilon(1e-3));
    CHECK(entry.samples == 30);
    CHECK(entry.spread.count() == Approx(truth * 0.01).epsilon(0.6));
  }
  CHECK(table.header().scale == Approx(1.05).epsilon(0.005));
  CHECK(table.header().scale_networks == 2);
  CHECK(table.header().name == "simulated");
  CHECK(table.header().samples == "t.json.samples.jsonl");
  CHECK(std::fabs(table.header().residual_autocorrelation) < 0.4);
  CHECK(table.failures.empty());
  const TableCheck result = check(table, table.check_networks);
  CHECK(result.networks == 3);
  CHECK(result.spearman == Approx(1));
  CHECK(result.mape < 0.01);
  CHECK(result.ceiling_mape < 0.01);
  CHECK(result.ceiling_mape > 0);
  CHECK(sink.events("measure.started").size() == 1);
}

TEST_CASE("a table is rebuilt from its log to the same bytes", "[latency][measuring]") {
  const ScratchFolder scratch;
  SimulatedDevice device;
  RecordingSink sink;
  const MeasureOptions options = options_for(scratch);
  const LatencyTable table = measure_table(example_plan(), device, options, sink);
  CHECK(saved(rebuild_table(options.samples), scratch) == saved(table, scratch));
}

TEST_CASE("a log that was killed in its first line is begun anew on resuming",
          "[latency][measuring]") {
  const ScratchFolder whole_folder, scratch;
  RecordingSink sink;
  SimulatedDevice device;
  const LatencyTable expected =
      measure_table(example_plan(), device, options_for(whole_folder), sink);
  MeasureOptions options = options_for(scratch);
  options.resume = true;
  for (const std::string start : {"", "{\"section\":{\"build"}) {
    write_file(options.samples, start);
    const LatencyTable table = measure_table(example_plan(), device, options, sink);
    CHECK(content(table, scratch) == content(expected, scratch));
    CHECK(read_log(options.samples).size() == 1);
  }
}

TEST_CASE("a lost device costs nothing that was measured", "[latency][measuring]") {
  const ScratchFolder whole_folder, scratch;
  RecordingSink sink;
  SimulatedDevice whole;
  const LatencyTable expected =
      measure_table(example_plan(), whole, options_for(whole_folder), sink);

  MeasureOptions options = options_for(scratch);
  SimulatedDevice lost;
  lost.lost_after = 20;
  CHECK_THROWS_AS(measure_table(example_plan(), lost, options, sink), DeviceError);
  CHECK(sample_count(options.samples) == 20);
  CHECK_THROWS_WITH(rebuild_table(options.samples),
                    ContainsSubstring("a measuring that came to its end") &&
                        ContainsSubstring("of 6 rounds") && ContainsSubstring("--resume"));

  // A torn last line, as a power cut leaves it, is dropped and told.
  std::ofstream(options.samples, std::ios::app) << "{\"sample\":{\"item\":1,";
  options.resume = true;
  SimulatedDevice again;
  const LatencyTable table = measure_table(example_plan(), again, options, sink);
  CHECK(again.measured.size() == 9 * 6 - 20);
  CHECK(sink.events("measure.torn_line").size() == 1);
  std::set<std::pair<int, int>> both(lost.measured.begin(), lost.measured.end());
  both.insert(again.measured.begin(), again.measured.end());
  CHECK(both.size() == 9 * 6);
  CHECK(content(table, scratch) == content(expected, whole_folder));

  // To resume what is complete measures nothing and gives the table again.
  SimulatedDevice idle;
  CHECK(content(measure_table(example_plan(), idle, options, sink), scratch) ==
        content(expected, whole_folder));
  CHECK(idle.measured.empty());
}

TEST_CASE("a log is not overwritten and not mixed with another measuring", "[latency][measuring]") {
  const ScratchFolder scratch;
  RecordingSink sink;
  SimulatedDevice device;
  MeasureOptions options = options_for(scratch);
  measure_table(example_plan(), device, options, sink);
  const std::string log = read_file(options.samples);
  CHECK_THROWS_WITH(measure_table(example_plan(), device, options, sink),
                    ContainsSubstring("samples.jsonl") && ContainsSubstring("--resume"));
  options.resume = true;
  const auto refused = [&](const MeasureOptions& other, const Plan& plan, SimulatedDevice on,
                           const std::string& words) {
    CHECK_THROWS_WITH(measure_table(plan, on, other, sink),
                      ContainsSubstring("a log of the same measuring") && ContainsSubstring(words));
  };
  MeasureOptions other = options;
  other.protocol.runs = 9;
  refused(other, example_plan(), {}, "runs: 5, not 9");
  other = options;
  other.seed = 4;
  refused(other, example_plan(), {}, "seed 3, not 4");
  Plan plan = example_plan();
  plan.space_fingerprint = 43;
  refused(options, plan, {}, "space fingerprint 000000000000002a, not 000000000000002b");
  plan = example_plan();
  plan.blocks.pop_back();
  refused(options, plan, {}, "9 items, not 8");
  SimulatedDevice phone;
  phone.device.model = "phone";
  refused(options, example_plan(), phone, "device model \"formula\", not \"phone\"");
  CHECK(read_file(options.samples) == log);
}

TEST_CASE("logs that are broken in the middle are refused by line", "[latency][measuring]") {
  const ScratchFolder scratch;
  RecordingSink sink;
  SimulatedDevice device;
  const MeasureOptions options = options_for(scratch);
  measure_table(example_plan(), device, options, sink);
  const std::string log = read_file(options.samples);
  const auto first_line = log.find('\n') + 1;
  const std::string second = log.substr(first_line, log.find('\n', first_line) + 1 - first_line);

  write_file(options.samples, log + second);
  CHECK_THROWS_WITH(rebuild_table(options.samples),
                    ContainsSubstring("line 56") && ContainsSubstring("each item once in each") &&
                        ContainsSubstring("again"));
  write_file(options.samples, second + log);
  CHECK_THROWS_WITH(rebuild_table(options.samples),
                    ContainsSubstring("line 1") && ContainsSubstring("a section"));
  write_file(options.samples, log.substr(0, first_line) + "{}\n" + second);
  CHECK_THROWS_WITH(rebuild_table(options.samples), ContainsSubstring("line 2"));
  write_file(options.samples,
             log.substr(0, first_line) +
                 "{\"sample\":{\"item\":9,\"round\":0,\"by_clock_us\":[1],\"wall_us\":[1]}}\n");
  CHECK_THROWS_WITH(rebuild_table(options.samples),
                    ContainsSubstring("an item below 9") && ContainsSubstring("item 9"));
  write_file(options.samples, "");
  CHECK_THROWS_WITH(rebuild_table(options.samples), ContainsSubstring("a measurement log"));
}

TEST_CASE("one item's failure stays one item's", "[latency][measuring]") {
  const ScratchFolder scratch;
  RecordingSink sink;
  SimulatedDevice device;
  device.failing = {kWide, "f2"};
  const LatencyTable table = measure_table(example_plan(), device, options_for(scratch), sink);
  CHECK(table.entries().size() == 3);
  REQUIRE(table.failures.size() == 1);
  CHECK(table.failures[0].key == kWide);
  CHECK(table.failures[0].reason == "the simulated engine has no such kernel");
  // f2, c2 and c3 cannot be summed: kWide has no latency.
  CHECK(table.fit_networks.size() == 1);
  CHECK(table.check_networks.size() == 1);
  CHECK(table.header().scale == Approx(1.05).epsilon(0.01));
  const auto failed = sink.events("measure.failed");
  REQUIRE(failed.size() == 2);
  CHECK(failed[0].level == Level::warn);
  CHECK(failed[0].fields.at("reason") == "the simulated engine has no such kernel");
}

TEST_CASE("without networks there is no scale", "[latency][measuring]") {
  const ScratchFolder scratch;
  RecordingSink sink;
  SimulatedDevice device;
  Plan plan = example_plan();
  plan.fit.clear();
  plan.check.clear();
  const LatencyTable table = measure_table(plan, device, options_for(scratch), sink);
  CHECK(table.header().scale == 1);
  CHECK(table.header().scale_networks == 0);
}

TEST_CASE("missing blocks are added without touching the rest", "[latency][measuring]") {
  const ScratchFolder scratch;
  RecordingSink sink;
  SimulatedDevice device;
  Plan plan = example_plan();
  plan.blocks.pop_back();
  plan.fit = {network("f1", {kStem, kNarrow})};
  plan.check = {network("c1", {kStem, kWide})};
  const MeasureOptions options = options_for(scratch);
  const LatencyTable table = measure_table(plan, device, options, sink);

  Plan missing;
  missing.space = "example";
  missing.space_fingerprint = 42;
  missing.blocks = {test::block_item(kHead)};
  device.measured.clear();
  const LatencyTable more = measure_missing(table, missing, device, options, sink);
  CHECK(device.measured.size() == 6);
  CHECK(more.entries().size() == 4);
  CHECK(more.header().scale == table.header().scale);
  CHECK(more.check_networks.size() == 1);
  CHECK(saved(rebuild_table(options.samples), scratch) == saved(more, scratch));

  SimulatedDevice other;
  other.device.engine_version = "2";
  CHECK_THROWS_WITH(measure_missing(table, missing, other, options, sink),
                    ContainsSubstring("engine version \"2\", not \"1\""));
}

TEST_CASE("whole networks are measured in the given order", "[latency][measuring]") {
  const ScratchFolder scratch;
  RecordingSink sink;
  SimulatedDevice device;
  device.failing = {"b"};
  MeasureOptions options = options_for(scratch);
  options.samples.clear();
  const auto results = measure_networks(
      {network("a", {kStem, kHead}), network("b", {kStem}), network("c", {kStem, kWide, kHead})},
      device, options, sink);
  REQUIRE(results.size() == 3);
  const auto& a = std::get<NetworkMeasurement>(results[0]);
  const auto& c = std::get<NetworkMeasurement>(results[2]);
  CHECK(a.network == "a");
  CHECK(c.entry.median.count() == Approx(device.latency_of(c.net).count() * 1.01).epsilon(0.005));
  CHECK(c.p90 > c.entry.median);
  CHECK(std::get<Failure>(results[1]).reason == "the simulated engine has no such kernel");
  const Measurements measurements = measurements_of(results, device, options);
  CHECK(measurements.networks.size() == 2);
  CHECK(measurements.device.engine == "formula");
}

TEST_CASE("a request to stop leaves what was measured", "[latency][measuring]") {
  const ScratchFolder scratch;
  RecordingSink sink;
  sink.stop_after("measure.started", 1);
  SimulatedDevice device;
  const MeasureOptions options = options_for(scratch);
  CHECK_THROWS_AS(measure_table(example_plan(), device, options, sink), Interrupted);
  CHECK(sample_count(options.samples) == 0);
}
