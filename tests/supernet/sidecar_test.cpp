#include "supernet/export/sidecar.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/json_io.hpp"
#include "supernet/export/onnxruntime.hpp"
#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <limits>
#include <utility>

using namespace lathe;
using namespace lathe::supernet;
namespace fs = std::filesystem;

namespace {

/// The example of the format's page.
std::string documented_example() {
  const std::string page = read_file("docs/file-formats/onnx-metadata.md");
  const std::size_t begin = page.find("```json\n") + 8;
  return page.substr(begin, page.find("```", begin) - begin);
}

/// A file of this test, in the build folder.
fs::path scratch(const std::string& text) {
  const fs::path file = program_folder() / "sidecar_test.json";
  write_file(file, text);
  return file;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("the documented sidecar is read, and written again with the same values",
          "[supernet][export][golden]") {
  const std::string example = documented_example();
  const ExportRecord record = load_sidecar(scratch(example));
  REQUIRE(record.files.size() == 1);
  CHECK(record.files[0].verification.engine == "onnxruntime");
  CHECK(record.files[0].verification.passed());
  CHECK(record.input == spaces::Shape{32, 32, 3});
  CHECK(record.space_fingerprint == 0x00a1b2c3d4e5f607u);
  REQUIRE(record.latencies.size() == 1);
  CHECK(record.latencies[0].budget == Micros(750));
  CHECK(record.accuracy->accuracy == 0.712);
  CHECK(record.seed == 7);
  CHECK(to_json(record) == nlohmann::json::parse(example));

  const fs::path file = program_folder() / "sidecar_test.json";
  save_sidecar(record, file);
  CHECK(to_json(load_sidecar(file)) == to_json(record));
}

TEST_CASE("what is unknown is null in the sidecar and absent from the ONNX file",
          "[supernet][export]") {
  ExportRecord record = load_sidecar(scratch(documented_example()));
  record.accuracy.reset();
  record.latencies[0].measured.reset();
  record.search_run.clear();
  record.seed = std::numeric_limits<std::uint64_t>::max();
  const nlohmann::json value = to_json(record);
  CHECK(value["latency"][0]["measured_ms"].is_null());
  CHECK(value["search_run"].is_null());
  CHECK(to_json(load_sidecar(scratch(value.dump()))) == value);

  record.latencies.clear();
  CHECK(to_json(record)["latency"] == nlohmann::json::array());
  const OnnxMetadata expected = {{"lathe.version", "0.1.0"},
                                 {"lathe.revision", "0e4de83"},
                                 {"lathe.date", "2026-11-21T15:20:52Z"},
                                 {"lathe.space", "tiny"},
                                 {"lathe.space_fingerprint", "00a1b2c3d4e5f607"},
                                 {"lathe.network", "r32 k3e3 k5e4 / k3e4"},
                                 {"lathe.classes", R"(["airplane","automobile","bird"])"},
                                 {"lathe.input_mean", "[0.491,0.482,0.447]"},
                                 {"lathe.input_deviation", "[0.247,0.243,0.262]"},
                                 {"lathe.macs", "3300000"},
                                 {"lathe.params", "38000"}};
  CHECK(onnx_metadata(record) == expected);
}

TEST_CASE("the ONNX file carries latency and accuracy", "[supernet][export]") {
  const OnnxMetadata metadata = onnx_metadata(load_sidecar(scratch(documented_example())));
  const auto has = [&](const std::string& key, const std::string& value) {
    return std::find(metadata.begin(), metadata.end(), std::pair(key, value)) != metadata.end();
  };
  CHECK(has("lathe.latency_device", "AMD EPYC"));
  CHECK(has("lathe.latency_budget_ms", "0.75"));
  CHECK(has("lathe.latency_predicted_ms", "0.71"));
  CHECK(has("lathe.latency_measured_ms", "0.73"));
  CHECK(has("lathe.accuracy", "0.712"));
  CHECK(has("lathe.accuracy_split", "val"));
}

TEST_CASE("every device of a search is in the sidecar and in the ONNX file", "[supernet][export]") {
  ExportRecord record = load_sidecar(scratch(documented_example()));
  record.latencies.push_back(record.latencies[0]);
  record.latencies[1].table = "pixel";
  record.latencies[1].measured = Micros(20500);
  CHECK(to_json(record)["latency"][1]["measured_ms"] == 20.5);
  CHECK(to_json(load_sidecar(scratch(to_json(record).dump()))) == to_json(record));
  const OnnxMetadata metadata = onnx_metadata(record);
  const auto has = [&](const std::string& key, const std::string& value) {
    return std::find(metadata.begin(), metadata.end(), std::pair(key, value)) != metadata.end();
  };
  CHECK(has("lathe.latency.local.measured_ms", "0.73"));
  CHECK(has("lathe.latency.pixel.measured_ms", "20.5"));
  CHECK(has("lathe.latency.pixel.engine", "xnnpack"));
  CHECK_FALSE(has("lathe.latency_measured_ms", "0.73"));
}

TEST_CASE("a wrong sidecar is refused by place, expectation and finding", "[supernet][export]") {
  const std::string example = documented_example();
  const auto refused = [&](const std::string& from, const std::string& to) {
    try {
      load_sidecar(scratch(replaced(example, from, to)));
    } catch (const FormatError& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  CHECK_THAT(refused("\"lathe.export\"", "\"lathe.exprot\""),
             ContainsSubstring("sidecar_test.json: /format") && ContainsSubstring("lathe.exprot"));
  CHECK_THAT(refused("\"version\": 2", "\"version\": 1"), ContainsSubstring("/version"));
  CHECK_THAT(refused("0.71,", "\"fast\","), ContainsSubstring("/latency/0/predicted_ms") &&
                                                ContainsSubstring("milliseconds or null") &&
                                                ContainsSubstring("\"fast\""));
  CHECK_THAT(refused("00a1b2c3d4e5f607", "00A1"), ContainsSubstring("/network/space_fingerprint") &&
                                                      ContainsSubstring("16 hexadecimal digits") &&
                                                      ContainsSubstring("00A1"));
  CHECK_THAT(refused("[1, 3, 32, 32]", "[2, 3, 32, 32]"),
             ContainsSubstring("/input/shape") && ContainsSubstring("[2,3,32,32]"));
  CHECK_THAT(refused("\"seed\": 7", "\"seed\": -7"),
             ContainsSubstring("/seed") && ContainsSubstring("got -7"));
  CHECK_THAT(refused("0.712", "71.2"), ContainsSubstring("/accuracy/value"));
  CHECK_THAT(refused("\"macs\"", "\"mac\""), ContainsSubstring("macs"));
}

TEST_CASE("a file that failed its check gets no sidecar", "[supernet][export]") {
  ExportRecord record = load_sidecar(scratch(documented_example()));
  record.files[0].verification.relative_difference = 0.1;
  CHECK_THROWS_WITH(save_sidecar(record, program_folder() / "never.json"),
                    ContainsSubstring("model.onnx did not pass its verification"));
  CHECK_FALSE(fs::exists(program_folder() / "never.json"));
}

TEST_CASE("a file's entry has its size and hash", "[supernet][export]") {
  const fs::path file = scratch("abc");
  const ExportedFile entry = exported_file(file, "onnx", {});
  CHECK(entry.name == "sidecar_test.json");
  CHECK(entry.bytes == 3);
  // FIPS 180-4's own example.
  CHECK(entry.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
