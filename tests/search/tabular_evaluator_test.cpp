#include "search/tabular_evaluator.hpp"

#include "search/evolution_searcher.hpp"
#include "search/search_loop.hpp"
#include "spaces/network_text.hpp"
#include "tests/search/toy.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/recording_sink.hpp"

#include <nlohmann/json.hpp>

#include <cstdlib>

using namespace lathe;
using namespace lathe::search;
using namespace lathe::test;
using nlohmann::json;

namespace {

spaces::SearchSpace macro_space() {
  return spaces::SearchSpace::load(spaces::parse_space_name("nas-bench-macro"), "configs");
}

/// Loads a file with these rows (JSON text, with commas).
TabularEvaluator load_rows(const std::string& rows) {
  const TempFolder folder;
  write_file(folder.path() / "t.json", "{\"networks\": [" + rows + "]}");
  return TabularEvaluator::load(folder.path() / "t.json", macro_space());
}

Feasibility restricted(const spaces::SearchSpace& space, const TabularEvaluator& table) {
  Feasibility::Options options;
  options.admits = [&table](const spaces::Architecture& arch) { return table.contains(arch); };
  options.identity = Feasibility::Identity::function;
  return Feasibility(space, {"error", "macs"}, {}, {}, options);
}

}  // namespace

TEST_CASE("errors are looked up in a table of results", "[search]") {
  const auto space = macro_space();
  TabularEvaluator table = load_rows(
      R"({"code": "01201201", "acc": [90, 91, 92], "params": 5, "flops": 6},
         {"network": "11111111", "error": 0.25})");
  CHECK(table.size() == 2);
  const Feasibility feasibility(space, {"error", "macs"}, {}, {}, {});
  const auto propose = [&](const std::string& code) {
    return feasibility.propose(spaces::parse_network(space, code, "test").arch);
  };
  const auto results =
      table.evaluate({propose("01201201"), propose("11111111"), propose("22222222")});
  CHECK(std::get<std::vector<double>>(results[0])[0] == Approx(0.09));
  CHECK(std::get<std::vector<double>>(results[1])[0] == 0.25);
  CHECK_THAT(std::get<Failure>(results[2]).reason,
             ContainsSubstring("not in") && ContainsSubstring("t.json"));
}

TEST_CASE("a broken table is refused by file and row", "[search]") {
  const auto refused = [](const std::string& rows, const std::string& part) {
    INFO(rows);
    CHECK_THROWS_AS(load_rows(rows), FormatError);
    CHECK_THROWS_WITH(load_rows(rows),
                      ContainsSubstring("t.json: /networks/0") && ContainsSubstring(part));
  };
  refused(R"({"acc": [90]})", "expected a key code or network, got neither");
  refused(R"({"code": "11111111"})", "one of the keys acc and error, got neither");
  refused(R"({"code": "11111111", "acc": [1], "error": 0.1})", "got both");
  refused(R"({"code": "11111111", "network": "11111111", "error": 0.1})", "got both");
  refused(R"({"code": "11111111", "acc": []})", "/acc");
  refused(R"({"code": "11111111", "acc": [190]})", "[0, 100]");
  refused(R"({"code": "11111111", "error": 25})", "[0, 1]");
  refused(R"({"code": "11111111", "eror": 0.2, "error": 0.2})", "eror");
  refused(R"({"code": "1111111", "error": 0.2})", "1111111");
  refused(R"({"code": "91111111", "error": 0.2})", "91111111");
  CHECK_THROWS_WITH(load_rows(R"({"code": "11111111", "error": 0.2},
                                 {"code": "11111111", "error": 0.3})"),
                    ContainsSubstring("t.json: /networks/1: expected one error per network, 0.2, "
                                      "got 0.3 for 11111111"));
  CHECK_NOTHROW(load_rows(R"({"code": "11111111", "error": 0.2},
                             {"code": "11111111", "error": 0.2})"));
}

TEST_CASE("a restricted search of a table finds the front of the table", "[search]") {
  const auto space = macro_space();
  TabularEvaluator table = TabularEvaluator::load("tests/data/formula-table.json", space);
  CHECK(table.size() == 1000);
  const Feasibility feasibility = restricted(space, table);
  ParetoFront truth;
  const json rows = load_json("tests/data/formula-table.json", Comments::refused).at("networks");
  for (const json& row : rows) {
    const auto arch = spaces::parse_network(space, row.at("code").get<std::string>(), "t").arch;
    const Proposal proposal = feasibility.propose(arch);
    truth.insert(
        {0, {std::get<std::vector<double>>(table.evaluate({proposal})[0])[0], proposal.costs[0]}});
  }
  EvolutionConfig config;
  config.population = 32;
  EvolutionSearcher searcher(feasibility, config, Rng(1));
  TempFolder folder;
  RecordingSink sink;
  const SearchResult result =
      run_search({feasibility, searcher, table, {"error", "macs"}, 400, Micros{0}, 32, Micros{1e6}},
                 folder.path(), sink);
  CHECK(result.evaluated.size() == 400);
  int hits = 0;
  for (const FrontPoint& point : truth.points()) {
    for (const FrontPoint& other : result.front.points()) hits += other.scores == point.scores;
  }
  INFO("found " << hits << " of " << truth.points().size());
  CHECK(hits >= 0.8 * double(truth.points().size()));
  for (const Evaluated& evaluated : result.evaluated) {
    CHECK(table.contains(evaluated.proposal.arch));
    CHECK(std::holds_alternative<Scores>(evaluated.scores));
  }
}

TEST_CASE("NAS-Bench-Macro's results are read, counted and searched", "[search][golden]") {
  const char* folder = std::getenv("LATHE_SHARED_DATA");
  const std::filesystem::path file =
      std::filesystem::path(folder == nullptr ? "../shared/data" : folder) / "nas_bench_macro" /
      "sample.json";
  if (!std::filesystem::exists(file)) {
    WARN("skipped: " << file << " is not there");
    return;
  }
  const auto space = macro_space();
  TabularEvaluator table = TabularEvaluator::load(file, space);
  CHECK(table.size() == 1342);
  const Feasibility feasibility = restricted(space, table);
  // Our counts are the authors' counts: the codes mean the networks that they trained.
  bool same = true;
  const json rows = load_json(file, Comments::refused).at("networks");
  for (const json& row : rows) {
    const auto arch = spaces::parse_network(space, row.at("code").get<std::string>(), "t").arch;
    const spaces::Count counted = spaces::count(space.decode(arch));
    same = same && counted.macs == row.at("flops") && counted.params == row.at("params");
  }
  CHECK(same);
  EvolutionSearcher searcher(feasibility, {}, Rng(1));
  TempFolder run;
  RecordingSink sink;
  const SearchResult result = run_search(
      {feasibility, searcher, table, {"error", "macs"}, 5000, Micros{0}, 64, Micros{1e6}},
      run.path(), sink);
  CHECK(result.stopped == "exhausted");
  CHECK(result.evaluated.size() == 794);
}
