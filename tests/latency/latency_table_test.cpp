#include "latency/latency_table.hpp"

#include "latency/latency_model.hpp"
#include "spaces/base/json_io.hpp"
#include "tests/latency/networks.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/scratch_folder.hpp"

#include <nlohmann/json.hpp>

using namespace lathe;
using namespace lathe::latency;
using nlohmann::json;
using spaces::Precision;

namespace {

const std::string kStem = "conv 16x16x3 > 8 k3 s2 hswish";
const std::string kBlock = "mbconv 8x8x8 > 8 k3 m16 s1 relu id";
const std::string kHead = "conv 8x8x8 > 16 k1 s1 relu";

Entry entry(double us) { return {Micros{us}, Micros{us + 1}, Micros{us + 2}, Micros{0.5}, 60}; }

NetworkMeasurement measured(const std::vector<std::string>& keys, double us) {
  NetworkMeasurement network;
  network.network = "net of " + std::to_string(keys.size());
  network.net = test::network_of(keys);
  network.entry = entry(us);
  network.first_half = Micros{us};
  network.second_half = Micros{us * 1.01};
  network.p90 = Micros{us + 5};
  return network;
}

LatencyTable example() {
  LatencyTable::Header header;
  header.name = "desk";
  header.device = {"local", "a CPU", "Linux", "xnnpack", "2022", 2};
  header.space = "tiny";
  header.space_fingerprint = 0xabcdef;
  header.scale = 1.5;
  header.scale_networks = 3;
  header.date = "2026-11-21T15:20:52Z";
  header.seed = 7;
  header.build = {"0.1.0", "abc", false, "GCC", "Release"};
  header.samples = "desk.json.samples.jsonl";
  LatencyTable table(header);
  table.set(kStem, Precision::fp32, entry(100));
  table.set(kBlock, Precision::fp32, entry(40));
  table.set(kBlock, Precision::int8, entry(20));
  table.failures.push_back({kHead, Precision::fp32, "no such kernel"});
  table.fit_networks.push_back(measured({kStem, kBlock}, 210));
  table.check_networks.push_back(measured({kStem, kBlock, kBlock}, 300));
  return table;
}

/// The example's file with one change, read.
LatencyTable load_changed(const std::function<void(json&)>& change) {
  const test::ScratchFolder scratch;
  example().save(scratch / "t.json");
  json value = load_json(scratch / "t.json", Comments::refused);
  change(value);
  write_file(scratch / "t.json", dump_json(value));
  return LatencyTable::load(scratch / "t.json");
}

}  // namespace

TEST_CASE("a table comes back from its file as it was", "[latency][table]") {
  const test::ScratchFolder scratch;
  example().save(scratch / "a.json");
  const LatencyTable back = LatencyTable::load(scratch / "a.json");
  CHECK(back.entries().size() == 3);
  CHECK(back.at(test::network_of({kBlock}).blocks[0]) == Micros{40});
  CHECK(back.entries().at({kBlock, Precision::int8}).wall_median == Micros{22});
  CHECK(back.header().device.engine_version == "2022");
  CHECK(back.header().space_fingerprint == 0xabcdef);
  CHECK(back.check_networks.at(0).p90 == Micros{305});
  back.save(scratch / "b.json");
  CHECK(read_file(scratch / "a.json") == read_file(scratch / "b.json"));
}

TEST_CASE("a table's model is the scaled sum of blocks", "[latency][table]") {
  const auto model = make_table_model(std::make_shared<LatencyTable>(example()));
  // 1.5 * (100 + 40 + 40)
  CHECK(model->predict(test::network_of({kStem, kBlock, kBlock})) == Micros{270});
  CHECK(model->predict(test::network_of({kBlock}).blocks[0]) == Micros{60});
  CHECK(model->name() == "desk");
}

TEST_CASE("a missing latency is an error that names key, file and command", "[latency][table]") {
  const test::ScratchFolder scratch;
  example().save(scratch / "t.json");
  const LatencyTable table = LatencyTable::load(scratch / "t.json");
  const std::string other = "mbconv 8x8x8 > 8 k5 m16 s1 relu id";
  const std::string file = (scratch / "t.json").string();
  try {
    table.at(test::network_of({other}).blocks[0]);
    FAIL("expected MissingEntry");
  } catch (const MissingEntry& error) {
    CHECK_THAT(error.what(), ContainsSubstring(file + ": no latency for block \"" + other + "\"") &&
                                 ContainsSubstring("fp32") && ContainsSubstring("lathe measure") &&
                                 ContainsSubstring("--missing --out " + file));
    CHECK(error.exit_code() == ExitCode::input);
  }
  CHECK_THROWS_WITH(table.at(test::network_of({kHead}).blocks[0]),
                    ContainsSubstring("it failed when it was measured: no such kernel"));
}

TEST_CASE("a check has its worked numbers", "[latency][table]") {
  const LatencyTable table = example();
  // Predicted 210, 270, 150 against 200, 300, 150.
  const TableCheck result =
      check(table, {measured({kStem, kBlock}, 200), measured({kStem, kBlock, kBlock}, 300),
                    measured({kStem}, 150)});
  CHECK(result.networks == 3);
  CHECK(result.spearman == Approx(1));
  CHECK(result.kendall == Approx(1));
  CHECK(result.mape == Approx((0.05 + 0.1 + 0) / 3));
  CHECK(result.bias == Approx((0.05 - 0.1 + 0) / 3));
  CHECK(result.ceiling_spearman == Approx(1));
  CHECK(result.ceiling_mape == Approx(0.01 / 1.01));
  const TableCheck none = check(table, {});
  CHECK(none.networks == 0);
  CHECK(none.mape == 0);
}

TEST_CASE("files that are no tables are refused with place, expectation and finding",
          "[latency][table]") {
  const test::ScratchFolder scratch;
  CHECK_THROWS_AS(LatencyTable::load(scratch / "absent.json"), FormatError);
  CHECK_THROWS_WITH(LatencyTable::load(scratch / "absent.json"), ContainsSubstring("absent.json"));

  example().save(scratch / "t.json");
  const std::string whole = read_file(scratch / "t.json");
  write_file(scratch / "t.json", whole.substr(0, whole.size() / 2));
  CHECK_THROWS_WITH(LatencyTable::load(scratch / "t.json"), ContainsSubstring("t.json"));

  write_file(scratch / "t.json", "{\"format\": \"lathe.latency-table\", \"format\": \"x\"}");
  CHECK_THROWS_WITH(LatencyTable::load(scratch / "t.json"), ContainsSubstring("format"));

  CHECK_THROWS_WITH(load_changed([](json& v) { v["format"] = "lathe.search"; }),
                    ContainsSubstring("lathe.latency-table") && ContainsSubstring("lathe.search"));
  CHECK_THROWS_WITH(load_changed([](json& v) { v["version"] = 2; }),
                    ContainsSubstring("version") && ContainsSubstring("2"));
  CHECK_THROWS_WITH(load_changed([](json& v) { v["key_grammar"] = 77; }),
                    ContainsSubstring("/key_grammar") && ContainsSubstring("got 77") &&
                        ContainsSubstring("measure again"));
  CHECK_THROWS_WITH(load_changed([](json& v) { v["entries"][1]["median_us"] = "fast"; }),
                    ContainsSubstring("/entries/1/median_us") && ContainsSubstring("number"));
  CHECK_THROWS_WITH(load_changed([](json& v) { v["entries"][0]["statistic_us"] = 0; }),
                    ContainsSubstring("/entries/0/statistic_us"));
  CHECK_THROWS_WITH(load_changed([](json& v) { v["entries"][0]["latency"] = 1; }),
                    ContainsSubstring("/entries/0") && ContainsSubstring("latency"));
  CHECK_THROWS_WITH(load_changed([](json& v) { v["entries"][0].erase("samples"); }),
                    ContainsSubstring("/entries/0/samples"));
  CHECK_THROWS_WITH(load_changed([](json& v) { v["entries"].push_back(v["entries"][0]); }),
                    ContainsSubstring("/entries/3/key") && ContainsSubstring("again"));
  CHECK_THROWS_WITH(load_changed([](json& v) { v["entries"][0]["key"] = "mbconv 8x8x8 > 8"; }),
                    ContainsSubstring("/entries/0/key"));
  CHECK_THROWS_WITH(load_changed([](json& v) { v["space_fingerprint"] = "xyz"; }),
                    ContainsSubstring("16 hexadecimal digits") && ContainsSubstring("xyz"));
  CHECK_THROWS_WITH(load_changed([](json& v) { v["statistic"] = "median"; }),
                    ContainsSubstring("/statistic") && ContainsSubstring("p25"));
  CHECK_THROWS_WITH(load_changed([](json& v) { v["scale"] = 0; }), ContainsSubstring("/scale"));
}

TEST_CASE("a latency that is not positive never enters a table", "[latency][table]") {
  LatencyTable table = example();
  CHECK_THROWS_AS(table.set(kHead, Precision::fp32, entry(0)), LogicError);
  CHECK_THROWS_AS(table.set(kHead, Precision::fp32, entry(std::nan(""))), LogicError);
}

TEST_CASE("measurements come back from their file, and a table is not one", "[latency][table]") {
  const test::ScratchFolder scratch;
  Measurements measurements;
  static_cast<Origin&>(measurements) = example().header();
  measurements.networks = example().check_networks;
  save(measurements, scratch / "m.json");
  const Measurements back = load_measurements(scratch / "m.json");
  CHECK(back.networks.at(0).entry.median == Micros{301});
  CHECK(back.device.model == "a CPU");
  example().save(scratch / "t.json");
  CHECK_THROWS_WITH(
      load_measurements(scratch / "t.json"),
      ContainsSubstring("lathe.measurements") && ContainsSubstring("lathe.latency-table"));
}

TEST_CASE("what identifies a device is compared, not its name", "[latency][table]") {
  DeviceInfo a = example().header().device, b = a;
  b.name = "other name";
  b.system = "Linux, newer";
  CHECK_FALSE(difference(a, b));
  b.engine_version = "2023";
  CHECK(difference(b, a) == std::optional<std::string>("engine version \"2023\", not \"2022\""));
  b.model = "another CPU";
  CHECK_THAT(*difference(b, a), ContainsSubstring("device model \"another CPU\""));
}
