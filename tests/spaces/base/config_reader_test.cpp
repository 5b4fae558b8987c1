#include "spaces/base/config_reader.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/json_io.hpp"
#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>

#include <cmath>
#include <filesystem>
#include <limits>

using namespace lathe;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// A searcher's options, with one key of every type.
struct Options {
  std::string kind = "evolution", note;
  int population = 64;
  std::int64_t evaluations = 1000;
  double mutate_probability = 0.1, limit = kInfinity;
  bool prove = true;
  Micros time = 20ms, patience{kInfinity};
  std::filesystem::path run;
  std::vector<int> kernels{3, 5};
  std::vector<double> widths{0.5, 1};
  std::vector<std::string> tags;

  void read(ConfigReader& r) {
    r.required().word("kind", kind, {"random", "evolution"}, "how candidates are proposed");
    r.integer("population", population, {8, 4096}, "candidates kept per generation");
    r.integer64("evaluations", evaluations, {1, std::numeric_limits<std::int64_t>::max()},
                "budget");
    r.number("mutate_probability", mutate_probability, {0, 1}, "of each gene");
    r.number("limit", limit, {0, kInfinity}, "none is no limit");
    r.boolean("prove", prove, "measure the best");
    r.string("note", note, "anything");
    r.duration("time", time, {1ms, 10s}, "of one step");
    r.duration("patience", patience, {0s, Micros(kInfinity)}, "without progress");
    r.file("run", run, "the train run");
    r.integers("kernels", kernels, {1, 7}, "sizes");
    r.numbers("widths", widths, {0.1, 2}, "multipliers");
    r.strings("tags", tags, "words");
  }
};

struct Config {
  Options searcher;
  std::vector<int> epochs;
  std::vector<std::string> tables;
  json extra;
  bool has_proof = false;

  void read(ConfigReader& r) {
    r.header("lathe.search", 1);
    r.section(
        "searcher", [&](ConfigReader& o) { searcher.read(o); }, "who proposes");
    r.objects(
        "phases",
        [&](ConfigReader& o, std::size_t i) {
          epochs.resize(i + 1, 1);
          o.required().integer("epochs", epochs[i], {1, 100}, "passes over the data");
        },
        "in order");
    r.entries(
        "tables",
        [&](const std::string& name, const json& file) {
          tables.push_back(name + "=" + file.get<std::string>());
        },
        "latency tables");
    r.object(
        "proof",
        [&](ConfigReader& o) {
          has_proof = true;
          int list = 5;
          o.integer("short_list", list, {1, 50}, "networks measured");
        },
        "the proof by measuring");
    r.any("extra", extra, "for another reader");
  }
};

json document(const std::string& members) {
  return parse_json(
      R"({"format": "lathe.search", "version": 1)" + (members.empty() ? "" : ", " + members) + "}",
      "evo.json", Comments::allowed);
}

Config read(const std::string& members) {
  Config config;
  ConfigReader::read(document(members), "runs/evo.json", Strictness::config,
                     [&](ConfigReader& r) { config.read(r); });
  return config;
}

Options read_options(const std::string& members) {
  return read(R"("searcher": {"kind": "random")" + (members.empty() ? "" : ", " + members) + "}")
      .searcher;
}

json resolve(const json& value, const std::filesystem::path& file = "runs/evo.json") {
  Config config;
  return ConfigReader::resolve(value, file, Strictness::config,
                               [&](ConfigReader& r) { config.read(r); });
}

/// The message of reading these members of "searcher".
std::string error_of(const std::string& members) {
  try {
    read_options(members);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("absent keys keep their defaults", "[base][config]") {
  const Options options = read_options("");
  CHECK(options.kind == "random");
  CHECK(options.population == 64);
  CHECK(options.time == 20ms);
  CHECK(options.kernels == std::vector<int>{3, 5});
  CHECK(options.limit == kInfinity);
  CHECK(options.run.empty());
}

TEST_CASE("values of every type are read", "[base][config]") {
  const Options options = read_options(
      R"("population": 8, "evaluations": 9223372036854775807, "mutate_probability": 1, "limit": 2.5,
         "prove": false, "note": "a", "time": "1.5s", "patience": "1h", "run": "../train",
         "kernels": [7], "widths": [1, 0.25], "tags": ["x", "y"])");
  CHECK(options.population == 8);
  CHECK(options.evaluations == std::numeric_limits<std::int64_t>::max());
  CHECK(options.mutate_probability == 1.0);  // an integer is a number
  CHECK(options.limit == 2.5);
  CHECK_FALSE(options.prove);
  CHECK(options.note == "a");
  CHECK(options.time == 1500ms);
  CHECK(options.patience == 1h);
  CHECK(options.run == "runs/../train");  // from the config's folder
  CHECK(options.kernels == std::vector<int>{7});
  CHECK(options.widths == std::vector<double>{1, 0.25});
  CHECK(options.tags == std::vector<std::string>{"x", "y"});
  CHECK(read_options(R"("run": "/data/train")").run == "/data/train");
}

TEST_CASE("a value outside its range is refused with file, key, range and value",
          "[base][config]") {
  const std::string at = "runs/evo.json: /searcher/";
  CHECK(error_of(R"("population": 4)") ==
        at + "population: expected an integer in [8, 4096], got 4");
  CHECK(error_of(R"("population": 4097)") ==
        at + "population: expected an integer in [8, 4096], got 4097");
  CHECK(error_of(R"("evaluations": 0)") ==
        at + "evaluations: expected an integer of at least 1, got 0");
  CHECK(error_of(R"("evaluations": 9223372036854775808)") ==
        at + "evaluations: expected an integer of at least 1, got 9223372036854775808");
  CHECK(error_of(R"("mutate_probability": 1.5)") ==
        at + "mutate_probability: expected a number in [0, 1], got 1.5");
  CHECK(error_of(R"("limit": -1)") == at + "limit: expected a number of at least 0, got -1");
  CHECK(error_of(R"("time": "11s")") ==
        at + "time: expected a duration in [1ms, 10s], such as \"20ms\", got \"11s\"");
  CHECK(error_of(R"("kernels": [3, 9])") == at + "kernels/1: expected an integer in [1, 7], got 9");
  CHECK(error_of(R"("widths": [0])") == at + "widths/0: expected a number in [0.1, 2], got 0");
}

TEST_CASE("a value of another type is refused, however near it is", "[base][config]") {
  const std::string at = "runs/evo.json: /searcher/";
  for (const std::string found : {"64.0", "true", "null", "\"64\"", "6.4e1"}) {
    const std::string shown = found == "6.4e1" ? "64.0" : found;
    CHECK(error_of("\"population\": " + found) ==
          at + "population: expected an integer in [8, 4096], got " + shown);
  }
  CHECK(error_of(R"("population": [64])") ==
        at + "population: expected an integer in [8, 4096], got a list of 1");
  CHECK(error_of(R"("population": {})") ==
        at + "population: expected an integer in [8, 4096], got an object");
  CHECK(error_of(R"("mutate_probability": true)") ==
        at + "mutate_probability: expected a number in [0, 1], got true");
  CHECK(error_of(R"("prove": 1)") == at + "prove: expected true or false, got 1");
  CHECK(error_of(R"("note": 1)") == at + "note: expected a text, got 1");
  CHECK(error_of(R"("time": 20)") ==
        at + "time: expected a duration in [1ms, 10s], such as \"20ms\", got 20");
  CHECK(error_of(R"("time": "20")") ==
        at + "time: expected a duration in [1ms, 10s], such as \"20ms\", got \"20\"");
  CHECK(error_of(R"("run": 3)") == at + "run: expected the name of a file, got 3");
  CHECK(error_of(R"("kernels": 3)") ==
        at + "kernels: expected a list of integers in [1, 7], got 3");
  CHECK(error_of(R"("kernels": [3.0])") ==
        at + "kernels/0: expected an integer in [1, 7], got 3.0");
  CHECK(error_of(R"("tags": ["x", 1])") == at + "tags/1: expected a text, got 1");
}

TEST_CASE("words and unknown keys are refused with the nearest one", "[base][config]") {
  CHECK_THROWS_WITH(read(R"("searcher": {"kind": "evolutoin"})"),
                    "runs/evo.json: /searcher/kind: expected one of random, evolution, got "
                    "\"evolutoin\"; did you mean evolution");
  CHECK_THROWS_WITH(read(R"("searcher": {"kind": 3})"),
                    "runs/evo.json: /searcher/kind: expected one of random, evolution, got 3");
  CHECK(error_of(R"("populaton": 9)") ==
        "runs/evo.json: /searcher: expected one of the keys kind, population, evaluations, "
        "mutate_probability, limit, prove, note, time, patience, run, kernels, widths, tags, got "
        "populaton; did you mean population");
  CHECK_THROWS_WITH(read(R"("searcher": {"kind": "random"}, "qqqqqq": 1)"),
                    "runs/evo.json: expected one of the keys format, version, searcher, phases, "
                    "tables, proof, extra, got qqqqqq");
  CHECK_THROWS_WITH(read(R"("searcher": {"kind": "random"}, "proof": {"short list": 1})"),
                    "runs/evo.json: /proof: expected only the key short_list, got short list; did "
                    "you mean short_list");
  CHECK_THAT(error_of(R"("a\nb": 1)"), ContainsSubstring("got \"a\\x0ab\""));
}

TEST_CASE("a required key that is absent is named, with its misspelling", "[base][config]") {
  CHECK_THROWS_WITH(read(""),
                    "runs/evo.json: /searcher/kind: expected one of random, evolution, got "
                    "nothing");
  CHECK_THROWS_WITH(
      read(R"("searcher": {"kidn": "random"})"),
      "runs/evo.json: /searcher/kind: expected one of random, evolution, got nothing; "
      "the key kidn looks like a misspelling of it");
  CHECK_THROWS_WITH(
      read(R"("searcher": {"kind": "random"}, "phases": [{"epochs": 1}, {}])"),
      "runs/evo.json: /phases/1/epochs: expected an integer in [1, 100], got nothing");
}

TEST_CASE("the header has to be right", "[base][config]") {
  const auto error = [](const std::string& text) -> std::string {
    try {
      resolve(parse_json(text, "evo.json", Comments::allowed), "evo.json");
    } catch (const ConfigError& caught) {
      return caught.what();
    }
    return "no error";
  };
  CHECK(error("{}") == "evo.json: /format: expected \"lathe.search\", got nothing");
  CHECK(error(R"({"format": "lathe.train", "version": 1})") ==
        "evo.json: /format: expected \"lathe.search\", got \"lathe.train\"");
  CHECK(error(R"({"format": "lathe.search"})") == "evo.json: /version: expected 1, got nothing");
  CHECK(error(R"({"format": "lathe.search", "version": 2})") ==
        "evo.json: /version: expected 1, the version that this program reads, got 2");
  CHECK(error(R"({"format": "lathe.search", "version": 1.0})") ==
        "evo.json: /version: expected 1, the version that this program reads, got 1.0");
  CHECK(error("[1, 2]") == "evo.json: expected an object, got a list of 2");
}

TEST_CASE("objects, lists of objects and free keys are read", "[base][config]") {
  const Config config =
      read(R"("searcher": {"kind": "random"}, "phases": [{"epochs": 3}, {"epochs": 4}],
              "tables": {"pixel": "b.json", "a/b": "c.json"}, "extra": [1, {"x": 2}])");
  CHECK(config.epochs == std::vector<int>{3, 4});
  CHECK(config.tables == std::vector<std::string>{"a/b=c.json", "pixel=b.json"});
  CHECK(config.extra == json{1, {{"x", 2}}});
  CHECK_FALSE(config.has_proof);
  CHECK(read(R"("searcher": {"kind": "random"}, "proof": {})").has_proof);
  const std::string good = R"("searcher": {"kind": "random"}, )";
  CHECK_THROWS_WITH(read(good + R"("phases": {})"),
                    "runs/evo.json: /phases: expected a list of objects, got an object");
  CHECK_THROWS_WITH(read(good + R"("phases": [3])"),
                    "runs/evo.json: /phases/0: expected an object, got 3");
  CHECK_THROWS_WITH(
      read(good + R"("tables": [])"),
      "runs/evo.json: /tables: expected an object with names as keys, got a list of 0");
  CHECK_THROWS_WITH(read(good + R"("proof": false)"),
                    "runs/evo.json: /proof: expected an object, got false");
}

TEST_CASE("data files fail with FormatError, the same words", "[base][config]") {
  int runs = 0;
  const auto body = [&](ConfigReader& r) { r.integer("a/b", runs, {1, 9}, "runs"); };
  const json value = {{"a/b", 0}};
  CHECK_THROWS_AS(ConfigReader::read(value, "t.json", Strictness::data, body), FormatError);
  CHECK_THROWS_WITH(ConfigReader::read(value, "t.json", Strictness::data, body),
                    "t.json: /a~1b: expected an integer in [1, 9], got 0");
  Micros time{};
  const auto timed = [&](ConfigReader& r) { r.duration("t", time, {0s, 1s}, "time"); };
  CHECK_THROWS_AS(ConfigReader::read(json{{"t", "x"}}, "t.json", Strictness::data, timed),
                  FormatError);
}

TEST_CASE("a reader refuses by key, knows its file and what it has", "[base][config]") {
  const auto body = [](ConfigReader& r) {
    r.object(
        "inner",
        [](ConfigReader& o) {
          int kernel = 3;
          o.integer("kernel", kernel, {1, 9}, "size");
          CHECK(o.has("kernel"));
          CHECK_FALSE(o.has("stride"));
          CHECK_FALSE(o.describing());
          CHECK(o.file_name() == "t.json");
          o.refuse("kernel", "an odd integer", "4", "take 3 or 5");
        },
        "inner");
  };
  CHECK_THROWS_WITH(
      ConfigReader::read(json{{"inner", {{"kernel", 4}}}}, "t.json", Strictness::config, body),
      "t.json: /inner/kernel: expected an odd integer, got 4; take 3 or 5");
}

TEST_CASE("a resolved config has every default, and resolves to itself from anywhere",
          "[base][config]") {
  const json resolved = resolve(document(
      R"("searcher": {"kind": "random", "time": "1500ms", "run": "../train"}, "phases": [{"epochs": 2}])"));
  const std::string run = std::filesystem::absolute("train").lexically_normal().string();
  CHECK(resolved == json({{"format", "lathe.search"},
                          {"version", 1},
                          {"phases", {{{"epochs", 2}}}},
                          {"searcher",
                           {{"kind", "random"},
                            {"population", 64},
                            {"evaluations", 1000},
                            {"mutate_probability", 0.1},
                            {"prove", true},
                            {"note", ""},
                            {"time", "1.5s"},
                            {"run", run},
                            {"kernels", {3, 5}},
                            {"widths", {0.5, 1.0}},
                            {"tags", json::array()}}}}));
  CHECK(resolve(resolved, "elsewhere/config.json") == resolved);
  CHECK(dump_json(resolve(resolved, "elsewhere/config.json")) == dump_json(resolved));
}

TEST_CASE("describe says path, type, range, default and meaning of every key", "[base][config]") {
  Config config;
  const std::string table = ConfigReader::describe([&](ConfigReader& r) {
    CHECK(r.describing());
    CHECK_FALSE(r.has("searcher"));
    config.read(r);
  });
  CHECK(table ==
        R"(format                       "lathe.search"               required   what the file is
version                      1                            required   version of the format
searcher                     object                       {}         who proposes
searcher.kind                one of random, evolution     required   how candidates are proposed
searcher.population          integer in [8, 4096]         64         candidates kept per generation
searcher.evaluations         integer of at least 1        1000       budget
searcher.mutate_probability  number in [0, 1]             0.1        of each gene
searcher.limit               number of at least 0         none       none is no limit
searcher.prove               true or false                true       measure the best
searcher.note                text                         ""         anything
searcher.time                duration in [1ms, 10s]       20ms       of one step
searcher.patience            duration of at least 0s      none       without progress
searcher.run                 name of a file               none       the train run
searcher.kernels             list of integers in [1, 7]   [3,5]      sizes
searcher.widths              list of numbers in [0.1, 2]  [0.5,1.0]  multipliers
searcher.tags                list of texts                []         words
phases                       list of objects              absent     in order
phases.N.epochs              integer in [1, 100]          required   passes over the data
tables                       object with names as keys    absent     latency tables
proof                        object                       absent     the proof by measuring
proof.short_list             integer in [1, 50]           5          networks measured
extra                        any value                    absent     for another reader
)");
}
