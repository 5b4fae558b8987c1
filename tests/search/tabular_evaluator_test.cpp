#include "search/tabular_evaluator.hpp"

#include "search/ageing_searcher.hpp"
#include "search/evolution_searcher.hpp"
#include "search/random_searcher.hpp"
#include "search/search_loop.hpp"
#include "spaces/network_text.hpp"
#include "tests/search/race.hpp"
#include "tests/search/toy.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/recording_sink.hpp"

#include <nlohmann/json.hpp>

#include <initializer_list>

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

TEST_CASE("codes of the same network are one network, whichever of them the table has",
          "[search]") {
  const auto space = macro_space();
  // An identity in the second or third layer of a stage does nothing: its place does not count.
  TabularEvaluator table = load_rows(R"({"code": "11121110", "error": 0.2},
                                        {"code": "11211110", "error": 0.3},
                                        {"code": "11121101", "error": 0.2})");
  CHECK(table.size() == 2);
  const auto arch_of = [&](const std::string& code) {
    return spaces::parse_network(space, code, "test").arch;
  };
  CHECK(table.contains(arch_of("11121110")));
  CHECK(table.contains(arch_of("11121101")));
  CHECK_FALSE(table.contains(arch_of("11121011")));
  const Feasibility feasibility = tabular_feasibility(space, table);
  const auto results = table.evaluate({feasibility.propose(arch_of("11121101"))});
  CHECK(std::get<std::vector<double>>(results[0])[0] == 0.2);
  // The table has one code; the other one is found too.
  const TabularEvaluator one = load_rows(R"({"code": "11121101", "error": 0.2})");
  CHECK(one.contains(arch_of("11121110")));
  CHECK_THROWS_WITH(load_rows(R"({"code": "11121110", "error": 0.2},
                                 {"code": "11121101", "error": 0.25})"),
                    ContainsSubstring("t.json: /networks/1: expected one error per network, 0.2, "
                                      "got 0.25 for 11121101"));
}

TEST_CASE("a restricted search of a table finds the front of the table", "[search]") {
  const auto space = macro_space();
  TabularEvaluator table = TabularEvaluator::load("tests/data/formula-table.json", space);
  CHECK(table.size() == 924);  // of 1,000 codes
  const Feasibility feasibility = tabular_feasibility(space, table);
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
  CHECK(hits >= 0.6 * double(truth.points().size()));  // chance: 400 of 924, 0.43
  const Scores reference{1, 2e8};
  CHECK(result.front.hypervolume(reference) > 0.998 * truth.hypervolume(reference));
  for (const Evaluated& evaluated : result.evaluated) {
    CHECK(table.contains(evaluated.proposal.arch));
    CHECK(std::holds_alternative<Scores>(evaluated.scores));
  }
}

TEST_CASE("NAS-Bench-Macro's results are read and counted as their authors did",
          "[search][golden]") {
  const std::filesystem::path file = macro_table();
  if (!std::filesystem::exists(file)) {
    WARN("skipped: " << file << " is not there");
    return;
  }
  const auto space = macro_space();
  const TabularEvaluator table = TabularEvaluator::load(file, space);
  CHECK(table.size() == 794);
  bool same = true;
  const json rows = load_json(file, Comments::refused).at("networks");
  CHECK(rows.size() == 1342);
  for (const json& row : rows) {
    const auto arch = spaces::parse_network(space, row.at("code").get<std::string>(), "t").arch;
    const spaces::Count counted = spaces::count(space.decode(arch));
    same = same && counted.macs == row.at("flops") && counted.params == row.at("params");
  }
  CHECK(same);
}

TEST_CASE("searchers of NAS-Bench-Macro's results see every network once and beat chance",
          "[search][golden]") {
  const std::filesystem::path file = macro_table();
  if (!std::filesystem::exists(file)) {
    WARN("skipped: " << file << " is not there");
    return;
  }
  const auto space = macro_space();
  TabularEvaluator table = TabularEvaluator::load(file, space);
  const Feasibility feasibility = tabular_feasibility(space, table);
  const Truth truth = truth_of(feasibility, table);
  REQUIRE(truth.errors.size() == 794);
  CHECK(truth.front.points().size() == 29);
  CHECK(truth.errors.front() == Approx(0.071).margin(1e-9));  // 22211122
  EvolutionConfig evolution;
  evolution.population = 20;
  AgeingConfig ageing;
  ageing.population = 20;
  ageing.sample = 5;
  ageing.exponents = {{"macs", 0.07}};
  double of_random = 0, of_evolution = 0, of_ageing = 0;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    RandomSearcher random(feasibility, {}, Rng(seed));
    EvolutionSearcher evolving(feasibility, evolution, Rng(seed));
    AgeingSearcher aged(feasibility, ageing, {"error", "macs"}, Rng(seed));
    for (Searcher* searcher : std::initializer_list<Searcher*>{&random, &evolving, &aged}) {
      const Raced raced = race(*searcher, table, truth);
      INFO("seed " << seed);
      CHECK(raced.evaluations == 794);
      CHECK(raced.ids.size() == 794);
      CHECK(raced.to_front > 0);
      double& sum = searcher == &random ? of_random : searcher == &aged ? of_ageing : of_evolution;
      sum += raced.hypervolume_100;
    }
  }
  INFO("share of the front's hypervolume after 100, three seeds: random "
       << of_random << ", evolution " << of_evolution << ", ageing " << of_ageing);
  CHECK(of_evolution > of_random);
  CHECK(of_evolution > 0.97 * 3);
  CHECK(of_ageing > of_random);
}
