#include "spaces/base/config_reader.hpp"
#include "spaces/base/error.hpp"
#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>

using namespace lathe;
using nlohmann::json;

namespace {

const json kConfig = {{"searcher", {{"population", 64}, {"kind", "evolution"}}},
                      {"phases", {{{"epochs", 1}}, {{"epochs", 2}}}},
                      {"matrix", {{1, 2}, {3, 4}}},
                      {"none", json::array()},
                      {"constraints", {{"latency", "20ms"}, {"latency.pixel", "9ms"}}}};

json with(const std::string& assignment) {
  json config = kConfig;
  apply_override(config, assignment);
  return config;
}

/// As kConfig but for the value at the pointer.
json expected(const std::string& pointer, const json& value) {
  json config = kConfig;
  config[json::json_pointer(pointer)] = value;
  return config;
}

}  // namespace

TEST_CASE("an override sets one value, by key and by index", "[base][config]") {
  CHECK(with("searcher.population=128") == expected("/searcher/population", 128));
  CHECK(with("phases.1.epochs=5") == expected("/phases/1/epochs", 5));
  CHECK(with("matrix.1.0=7") == expected("/matrix/1/0", 7));
  CHECK(with("phases.0={\"epochs\": 9}") == expected("/phases/0/epochs", 9));
  CHECK(with("searcher.seed=1") == expected("/searcher/seed", 1));
  CHECK(with("seed=1") == expected("/seed", 1));
}

TEST_CASE("an override's value is JSON if it parses, else a text", "[base][config]") {
  CHECK(with("x=1.5") == expected("/x", 1.5));
  CHECK(with("x=true") == expected("/x", true));
  CHECK(with("x=null") == expected("/x", nullptr));
  CHECK(with("x=[1,2]") == expected("/x", {1, 2}));
  CHECK(with("x=\"1\"") == expected("/x", "1"));
  CHECK(with("x=20ms") == expected("/x", "20ms"));
  CHECK(with("x=a=b") == expected("/x", "a=b"));
  CHECK(with("x=") == expected("/x", ""));
  CHECK(with("x=[1") == expected("/x", "[1"));
  CHECK_THROWS_WITH(with("x=\xFF"), ContainsSubstring("expected a value in UTF-8, got \"\\xff\""));
}

TEST_CASE("keys with dots are found where the config has them", "[base][config]") {
  CHECK(with("constraints.latency.pixel=5ms") == expected("/constraints/latency.pixel", "5ms"));
  CHECK(with("constraints.latency=5ms") == expected("/constraints/latency", "5ms"));
}

TEST_CASE("an override that leads nowhere is refused", "[base][config]") {
  CHECK_THROWS_AS(with("sercher.population=1"), ConfigError);
  CHECK_THROWS_WITH(
      with("sercher.population=1"),
      "--set sercher.population=1: expected a key of the config, got \"sercher\"; did "
      "you mean searcher");
  CHECK_THROWS_WITH(with("searcher.budget.evaluations=1"),
                    "--set searcher.budget.evaluations=1: expected a key of searcher, got "
                    "\"budget\"; set the whole of it: --set 'searcher.budget={...}'");
  CHECK_THROWS_WITH(with("searcher.kind.x=1"),
                    "--set searcher.kind.x=1: expected an object or a list at searcher.kind, got "
                    "\"evolution\"");
  for (const char* index : {"2", "-1", "x", "1x", "", "99999999999999999999"}) {
    if (*index == '\0') continue;
    CHECK_THROWS_WITH(with("phases." + std::string(index) + ".epochs=1"),
                      ContainsSubstring("expected an index of phases in [0, 1], got \"" +
                                        std::string(index) + "\""));
  }
  CHECK_THROWS_WITH(with("phases.2={}"), ContainsSubstring("index of phases in [0, 1], got \"2\""));
  CHECK_THROWS_WITH(with("none.0=1"), ContainsSubstring("no index, for the list none is empty"));
}

TEST_CASE("what is no assignment is refused", "[base][config]") {
  for (const std::string text : {"", "x", "=1", ".x=1", "x.=1", "a..b=1"}) {
    INFO(text);
    CHECK_THROWS_WITH(with(text),
                      "--set " + text + ": expected path.to.key=value, got \"" + text + "\"");
  }
}

TEST_CASE("a refused override changes nothing", "[base][config]") {
  json config = kConfig;
  CHECK_THROWS_AS(apply_override(config, "searcher.a.b=1"), ConfigError);
  CHECK(config == kConfig);
}
