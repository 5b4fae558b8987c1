#include "search/search_config.hpp"

#include "spaces/base/json_io.hpp"
#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>

using namespace lathe;
using namespace lathe::search;

namespace {

SearchConfig read_text(const std::string& text) {
  return read_search_config(parse_json(text, "runs/c.json", Comments::allowed), "runs/c.json");
}

/// A complete config with `more` added before its end.
std::string with(const std::string& more,
                 const std::string& evaluator = R"({"kind": "tabular", "data": "t.json"})") {
  return R"({"format": "lathe.search", "version": 1, "space": "tiny", "evaluator": )" + evaluator +
         ", " + more + "}";
}
const std::string kSupernet = R"({"kind": "supernet", "run": "runs/train"})";

}  // namespace

TEST_CASE("a search config is read with its defaults", "[search][config]") {
  const SearchConfig config = read_text(with(R"("tables": {"local": "table.json"})"));
  CHECK(config.space == "tiny");
  CHECK(config.evaluator.data == "runs/t.json");
  CHECK(config.evaluator.restrict);
  CHECK(config.objectives == std::vector<std::string>{"error", "latency"});
  CHECK(config.tables.at("local") == "runs/table.json");
  CHECK(config.prove.on);
  CHECK_FALSE(config.compare.on);
  CHECK(config.evaluations == 1000);
  CHECK(config.make_searcher);
}

TEST_CASE("every key of a search config arrives", "[search][config]") {
  const SearchConfig config = read_text(with(R"(
    "searcher": {"kind": "random", "batch": 8},
    "objectives": ["error", "latency.a", "macs"],
    "constraints": {"latency.a": "20ms", "latency.b": "middle", "memory": "4MiB"},
    "tables": {"a": "a.json", "b": "/x/b.json"},
    "prove": {"short_list": 3, "front_points": 2, "devices": {"b": "adb:1"}},
    "compare": {"networks": 4},
    "budget": {"evaluations": 50, "time": "2min"}, "seed": 9, "workers": 4)",
                                             kSupernet));
  REQUIRE(config.constraints.size() == 3);
  CHECK(config.constraints[0].bound == Approx(20));
  CHECK(config.tables.at("b") == "/x/b.json");
  CHECK(config.prove.devices.at("b") == "adb:1");
  CHECK(config.prove.short_list == 3);
  CHECK(config.compare.on);
  CHECK(config.compare.options.networks == 4);
  CHECK(config.time == Micros(120e6));
  CHECK(config.seed == 9);
  CHECK(config.workers == 4);
}

TEST_CASE("proof and comparison can be left out", "[search][config]") {
  const SearchConfig config =
      read_text(with(R"("objectives": ["error", "macs"], "prove": false, "compare": false)"));
  CHECK_FALSE(config.prove.on);
  CHECK_FALSE(config.compare.on);
  CHECK_THROWS_WITH(read_text(with(R"("objectives": ["error"], "prove": true)")),
                    ContainsSubstring("runs/c.json: /prove") && ContainsSubstring("true"));
}

TEST_CASE("a search config's mistakes are refused by file, key and value", "[search][config]") {
  const std::string macs = R"("objectives": ["error", "macs"])";
  CHECK_THROWS_WITH(read_text(with(macs + R"(, "searcher": {"population": 2})")),
                    ContainsSubstring("runs/c.json: /searcher/population") &&
                        ContainsSubstring("[4, 4096]") && ContainsSubstring("got 2"));
  CHECK_THROWS_WITH(read_text(with(macs + R"(, "searcher": {"popluation": 8})")),
                    ContainsSubstring("/searcher") && ContainsSubstring("did you mean population"));
  CHECK_THROWS_WITH(
      read_text(with(macs + R"(, "searcher": {"kind": "evolve"})")),
      ContainsSubstring("one of evolution, ageing, random") && ContainsSubstring("evolve"));
  CHECK_THROWS_WITH(read_text(with(macs + R"(, "searcher": {"kind": "random", "population": 8})")),
                    ContainsSubstring("/searcher") && ContainsSubstring("population"));
  CHECK_THROWS_WITH(
      read_text(with(macs + R"(, "searcher": {"kind": "ageing", "population": 8, "sample": 9})")),
      ContainsSubstring("runs/c.json: /searcher/sample: expected at most population, 8, got 9"));
  CHECK_THROWS_WITH(
      read_text(with(macs + R"(, "searcher": {"kind": "ageing", "population": 30, "batch": 31})")),
      ContainsSubstring("/searcher/batch: expected at most population, 30, got 31"));
  CHECK_THROWS_WITH(read_text(with(R"("objectives": ["macs"])")),
                    ContainsSubstring("/objectives") && ContainsSubstring("a list with \"error\""));
  CHECK_THROWS_WITH(read_text(with(R"("objectives": ["error", "error"])")),
                    ContainsSubstring("/objectives/1") && ContainsSubstring("once"));
  CHECK_THROWS_WITH(
      read_text(with(R"("objectives": ["error", "energy"])")),
      ContainsSubstring("runs/c.json: /objectives/1") && ContainsSubstring("got \"energy\""));
  CHECK_THROWS_WITH(read_text(with(macs + R"(, "constraints": {"latency": 20})")),
                    ContainsSubstring("runs/c.json: /constraints/latency") &&
                        ContainsSubstring("\"20ms\"") && ContainsSubstring("got 20"));
  CHECK_THROWS_WITH(read_text(with(macs + R"(, "budget": {"time": "5"})")),
                    ContainsSubstring("/budget/time"));
}

TEST_CASE("ageing evolution refuses objectives that it can't weigh", "[search][config]") {
  const auto ageing = [](const std::string& objectives, const std::string& more) {
    return read_text(with("\"objectives\": " + objectives +
                          ", \"searcher\": {\"kind\": \"ageing\"" + more + "}"));
  };
  CHECK(ageing(R"(["error"])", "").make_searcher);
  CHECK(ageing(R"(["macs", "error"])", R"(, "exponents": {"macs": 0.07})").make_searcher);
  CHECK_THROWS_WITH(
      ageing(R"(["error", "macs"])", ""),
      ContainsSubstring("runs/c.json: /searcher/exponents: expected an exponent for the objective "
                        "macs, got {}; ageing evolution goes by one number: give \"exponents\": "
                        "{\"macs\": 0.07}, or let error be the only objective and bound macs in "
                        "constraints"));
  CHECK_THROWS_WITH(ageing(R"(["error"])", R"(, "exponents": {"macs": 0.07})"),
                    ContainsSubstring("/searcher/exponents: expected names of objectives other "
                                      "than error, got \"macs\"; the objectives are [\"error\"]"));
  CHECK_THROWS_WITH(ageing(R"(["error"])", R"(, "exponents": {"error": 1})"),
                    ContainsSubstring("other than error, got \"error\""));
  CHECK_THROWS_WITH(
      ageing(R"(["error", "macs"])", R"(, "exponents": {"macs": -1})"),
      ContainsSubstring("/searcher/exponents: expected a number in [0, 10] for macs, got -1"));
  CHECK_THROWS_WITH(ageing(R"(["error", "macs"])", R"(, "exponents": {"macs": true})"),
                    ContainsSubstring("a number in [0, 10] for macs, got true"));
}

TEST_CASE("one table's latency has one name in a config", "[search][config]") {
  CHECK_THROWS_WITH(
      read_text(with(R"("objectives": ["error", "latency.a"], "constraints": {"latency": "5ms"},
                        "tables": {"a": "a"})")),
      ContainsSubstring("runs/c.json: /constraints/latency: expected one name for the latency of "
                        "table a, got \"latency\" beside \"latency.a\""));
  CHECK_THROWS_WITH(
      read_text(with(R"("objectives": ["error", "latency", "latency.a"], "tables": {"a": "a"})")),
      ContainsSubstring("/objectives/2: expected one name for the latency of table a, got "
                        "\"latency.a\" beside \"latency\""));
}

TEST_CASE("a latency without its table is refused before anything runs", "[search][config]") {
  CHECK_THROWS_WITH(read_text(with(R"("objectives": ["error", "latency"])")),
                    ContainsSubstring("/objectives/1") && ContainsSubstring("no tables") &&
                        ContainsSubstring("--table"));
  CHECK_THROWS_WITH(read_text(with(R"("objectives": ["error"], "constraints": {"latency": "5ms"},
                        "tables": {"a": "a", "b": "b"})")),
                    ContainsSubstring("/constraints/latency") &&
                        ContainsSubstring("latency.NAME, for there are several tables: a, b"));
  CHECK_THROWS_WITH(
      read_text(with(R"("objectives": ["error", "latency.c"], "tables": {"a": "a", "b": "b"})")),
      ContainsSubstring("the name of one of the tables a, b") && ContainsSubstring("got \"c\""));
  CHECK_THROWS_WITH(read_text(with(R"("objectives": ["error"], "tables": {"a": "a"},
                                      "prove": {"devices": {"b": "local"}})")),
                    ContainsSubstring("/prove/devices/b"));
}

TEST_CASE("an evaluator without its file is refused with the flag that gives it",
          "[search][config]") {
  const std::string head = R"({"format": "lathe.search", "version": 1, "space": "tiny",
                               "objectives": ["error", "macs"], )";
  CHECK_THROWS_WITH(read_text(head + R"("evaluator": {"kind": "supernet"}})"),
                    ContainsSubstring("/evaluator/run") && ContainsSubstring("--supernet RUN"));
  CHECK_THROWS_WITH(read_text(head + R"("evaluator": {"kind": "tabular"}})"),
                    ContainsSubstring("/evaluator/data"));
  CHECK_THROWS_WITH(read_text(head + R"("seed": 1})"), ContainsSubstring("/evaluator"));
  CHECK_THROWS_WITH(
      read_text(head + R"("evaluator": {"kind": "tabular", "data": "t.json", "run": "train"}})"),
      ContainsSubstring("runs/c.json: /evaluator/run: expected no such key where the kind is "
                        "tabular, got \"runs/train\"; leave it out"));
  CHECK_THROWS_WITH(
      read_text(head + R"("evaluator": {"kind": "supernet", "data": "t.json", "run": "train"}})"),
      ContainsSubstring("/evaluator/data: expected no such key where the kind is supernet"));
  CHECK_THROWS_WITH(read_text(with(R"("objectives": ["error", "macs"], "compare": {})")),
                    ContainsSubstring("runs/c.json: /compare: expected false, or a supernet as "
                                      "evaluator, got a comparison"));
}

TEST_CASE("the resolved config reads back to itself", "[search][config]") {
  const nlohmann::json config =
      parse_json(with(R"("tables": {"local": "table.json"}, "constraints": {"latency": "20ms"})"),
                 "runs/c.json", Comments::allowed);
  const nlohmann::json resolved = resolve_search_config(config, "runs/c.json");
  CHECK(resolved.at("searcher").at("population") == 64);
  CHECK(resolved.at("budget").at("evaluations") == 1000);
  const std::filesystem::path table = resolved.at("tables").at("local").get<std::string>();
  CHECK(table == std::filesystem::absolute("runs/table.json"));
  CHECK(resolve_search_config(resolved, "elsewhere/config.json") == resolved);
}

TEST_CASE("every key of a search is explained", "[search][config]") {
  const std::string text = describe_search_config();
  for (const char* key : {"space", "evaluator.kind", "evaluator.restrict", "searcher.kind",
                          "searcher.population", "searcher.batch", "objectives", "constraints",
                          "tables", "prove.short_list", "prove.devices", "compare.networks",
                          "budget.evaluations", "budget.time", "seed", "workers"}) {
    INFO(text);
    CHECK_THAT(text, ContainsSubstring(key));
  }
}

TEST_CASE("the example configs are complete", "[search][config]") {
  for (const char* name : {"quickstart", "nas-bench-macro", "phone"}) {
    const std::filesystem::path file = "configs/search/" + std::string(name) + ".json";
    INFO(name);
    const nlohmann::json config = load_json(file, Comments::allowed);
    CHECK_NOTHROW(read_search_config(config, file));
    // phone.json shows every key: those that resolving adds are of the other evaluator.
    if (std::string(name) != "phone") continue;
    const nlohmann::json resolved = resolve_search_config(config, file);
    for (const auto& [key, value] : resolved.items()) CHECK(config.contains(key));
    for (const char* part : {"searcher", "prove", "compare", "budget"}) {
      for (const auto& [key, value] : resolved.at(part).items()) {
        INFO(part << "." << key);
        CHECK(config.at(part).contains(key));
      }
    }
  }
}
