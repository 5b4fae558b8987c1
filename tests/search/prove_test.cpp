#include "search/prove.hpp"

#include "search/random_searcher.hpp"
#include "search/run_files.hpp"
#include "tests/search/toy.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/recording_sink.hpp"

#include <nlohmann/json.hpp>

#include <set>

using namespace lathe;
using namespace lathe::search;
using namespace lathe::test;
using nlohmann::json;

namespace {

const std::vector<std::string> kObjectives{"error", "latency"};

/// A finished random search of 40 networks.
struct Searched {
  TempFolder folder;
  Feasibility feasibility = toy_feasibility(toy_space(), 1.2);
  SearchResult result;

  Searched() {
    RandomSearcher searcher(feasibility, {}, Rng(2));
    FormulaEvaluator evaluator;
    RecordingSink sink;
    result =
        run_search({feasibility, searcher, evaluator, kObjectives, 40, Micros{0}, 8, Micros{1e6}},
                   folder.path(), sink);
  }
  double predicted_ms(int index) const {
    return result.evaluated[static_cast<std::size_t>(index)].proposal.costs[0];
  }
};

/// Measures `factor` times the formula, `slow` times it for the first `slow_networks`; fails
/// `failing`.
struct FakeDevice {
  double factor = 1.0, slow = 1.0, wall = 1.5;
  std::size_t slow_networks = 0;
  std::set<std::size_t> failing;
  std::vector<std::vector<std::string>> jobs = {};

  ProofDevice device() {
    return {"latency", "formula", latency::Clock::thread_cpu,
            [this](const std::vector<latency::Item>& items) {
              std::vector<std::variant<latency::NetworkMeasurement, Failure>> results;
              jobs.emplace_back();
              for (std::size_t i = 0; i < items.size(); ++i) {
                jobs.back().push_back(items[i].name);
                const Micros time =
                    FormulaLatency().predict(items[i].net) * (i < slow_networks ? slow : factor);
                latency::NetworkMeasurement measured;
                measured.network = items[i].name;
                measured.entry.median = time;
                measured.entry.wall_median = wall * time;
                measured.entry.samples = 60;
                measured.p90 = 1.1 * time;
                if (failing.count(i) > 0) {
                  results.emplace_back(Failure{"refused"});
                } else {
                  results.emplace_back(measured);
                }
              }
              return results;
            }};
  }
};

}  // namespace

TEST_CASE("the short list goes by error, then by the other objectives", "[search]") {
  SearchResult result;
  for (const Scores& scores : {Scores{3, 0.2}, Scores{1, 0.1}, Scores{2, 0.1}, Scores{9, 0.05}}) {
    result.evaluated.push_back({{}, scores});
  }
  result.evaluated.push_back({{}, Failure{"broken"}});
  CHECK(short_list(result, {"latency", "error"}, 3) == std::vector<int>{3, 1, 2});
  CHECK(short_list(result, {"latency", "error"}, 9) == std::vector<int>{3, 1, 2, 0});
}

TEST_CASE("the first of the short list that holds the budget when measured is chosen", "[search]") {
  Searched run;
  FakeDevice fake;
  fake.slow = 3;
  fake.slow_networks = 2;
  fake.factor = 0.9;
  fake.failing = {2};
  const Proof proof = prove(run.feasibility, kObjectives, run.result, {fake.device()}, {5, 4, 1});
  const std::vector<int> list = short_list(run.result, kObjectives, 5);
  REQUIRE(run.predicted_ms(list[0]) * 3 > 1.2);
  CHECK(proof.chosen == list[3]);
  CHECK(proof.proved);
  REQUIRE(fake.jobs.size() == 1);
  CHECK(fake.jobs[0].size() == proof.measured.size());
  CHECK(std::set<std::string>(fake.jobs[0].begin(), fake.jobs[0].end()).size() ==
        fake.jobs[0].size());

  write_proof(proof, run.feasibility, kObjectives, run.result, run.folder.path());
  const json best = json::parse(run.folder.text("best.json"));
  CHECK(best.at("index") == list[3]);
  CHECK(best.at("proved") == true);
  CHECK(best.at("accuracy").get<double>() == 1 - best.at("error").get<double>());
  CHECK(best.at("decisions").at("resolution") == 32);
  const json& latency = best.at("latency_ms").at("formula");
  CHECK(latency.at("predicted") == run.predicted_ms(list[3]));
  CHECK(latency.at("measured").get<double>() == Approx(0.9 * run.predicted_ms(list[3])));
  CHECK(latency.at("p90").get<double>() == Approx(0.99 * run.predicted_ms(list[3])));
  CHECK(latency.at("budget") == 1.2);
  CHECK(latency.at("gap").get<double>() == Approx(-0.1));
  CHECK(latency.at("clock") == "thread_cpu");
  CHECK(latency.at("within_budget") == true);
  CHECK(latency.at("wall_within_budget") == (1.35 * run.predicted_ms(list[3]) <= 1.2));
  REQUIRE(best.at("short_list").size() == 5);
  CHECK(best.at("short_list")[0].at("holds") == false);
  CHECK(best.at("short_list")[2].at("latency_ms").at("formula").at("failure") == "refused");

  const json measured = json::parse(run.folder.text("measured.json"));
  std::set<int> on_front;
  for (const json& network : measured.at("networks")) {
    if (network.at("on_front").get<bool>()) on_front.insert(network.at("index").get<int>());
  }
  const auto& points = run.result.front.points();
  CHECK(on_front.count(points.front().index) == 1);
  CHECK(on_front.count(points.back().index) == 1);
}

TEST_CASE("a wall clock that breaks the budget is said, not hidden", "[search]") {
  Searched run;
  FakeDevice fake;
  fake.wall = 5;
  const Proof proof = prove(run.feasibility, kObjectives, run.result, {fake.device()}, {3, 0, 1});
  write_proof(proof, run.feasibility, kObjectives, run.result, run.folder.path());
  const json latency = json::parse(run.folder.text("best.json")).at("latency_ms").at("formula");
  CHECK(latency.at("within_budget") == true);
  CHECK(latency.at("wall_within_budget") == false);
}

TEST_CASE("where no network holds the budget, the run fails its check and keeps everything",
          "[search]") {
  Searched run;
  FakeDevice fake;
  fake.factor = 20;
  const Proof proof = prove(run.feasibility, kObjectives, run.result, {fake.device()}, {2, 0, 1});
  CHECK(proof.chosen == -1);
  CHECK_FALSE(proof.proved);
  CHECK_THROWS_WITH(
      write_proof(proof, run.feasibility, kObjectives, run.result, run.folder.path()),
      ContainsSubstring("none of the 2 short-listed networks holds its budget when measured "
                        "whole (formula measured ") &&
          ContainsSubstring(" for 1.20 ms") &&
          ContainsSubstring("lower the budget a little, or raise prove.batches"));
  CHECK_THROWS_AS(write_proof(proof, run.feasibility, kObjectives, run.result, run.folder.path()),
                  CheckFailed);
  CHECK(json::parse(run.folder.text("measured.json")).at("networks").size() == 2);
  CHECK_FALSE(std::filesystem::exists(run.folder.path() / "best.json"));
}

TEST_CASE("a table that predicts too little costs further batches, not the run", "[search]") {
  Searched run;
  FakeDevice fake;
  fake.factor = fake.slow = 1.1;
  const double error_first = std::get<Scores>(
      run.result.evaluated[static_cast<std::size_t>(short_list(run.result, kObjectives, 1)[0])]
          .scores)[0];
  const Proof one = prove(run.feasibility, kObjectives, run.result, {fake.device()}, {2, 0, 1});
  REQUIRE(one.chosen == -1);
  const Proof two = prove(run.feasibility, kObjectives, run.result, {fake.device()}, {2, 0, 2});
  REQUIRE(two.chosen >= 0);
  CHECK(two.proved);
  CHECK(two.measured.size() == 4);
  REQUIRE(fake.jobs.size() == 3);
  CHECK(fake.jobs[2].size() == 2);
  // The best one, by error, of those that are within the budget when 10 % slower.
  for (int index : short_list(run.result, kObjectives, 40)) {
    if (run.predicted_ms(index) * 1.1 > 1.2) continue;
    CHECK(two.chosen == index);
    break;
  }
  CHECK(std::get<Scores>(run.result.evaluated[static_cast<std::size_t>(two.chosen)].scores)[0] >
        error_first);
}

TEST_CASE("a measured point of the front is taken where the short list holds no budget",
          "[search]") {
  Searched run;
  FakeDevice fake;
  fake.factor = fake.slow = 1.1;
  const Proof proof = prove(run.feasibility, kObjectives, run.result, {fake.device()}, {2, 40, 1});
  REQUIRE(proof.chosen >= 0);
  CHECK(proof.proved);
  CHECK(run.predicted_ms(proof.chosen) * 1.1 <= 1.2);
  CHECK(proof.measured.size() > 2);
}

TEST_CASE("without a device the lowest error is chosen and called unproved", "[search]") {
  Searched run;
  const Proof proof = prove(run.feasibility, kObjectives, run.result, {}, {5, 4, 1});
  CHECK(proof.chosen == short_list(run.result, kObjectives, 1)[0]);
  write_proof(proof, run.feasibility, kObjectives, run.result, run.folder.path());
  const json best = json::parse(run.folder.text("best.json"));
  CHECK(best.at("proved") == false);
  CHECK_FALSE(best.contains("latency_ms"));
  CHECK_FALSE(std::filesystem::exists(run.folder.path() / "measured.json"));
}

TEST_CASE("every device given takes part in the proof", "[search]") {
  Searched run;
  FakeDevice first, second;
  ProofDevice other = second.device();
  other.cost = "latency.other";
  other.table = "other";
  other.predict = [](const spaces::NetworkSpec& net) { return 2 * FormulaLatency().predict(net); };
  second.failing = {0};
  const Proof proof =
      prove(run.feasibility, kObjectives, run.result, {first.device(), other}, {3, 0, 1});
  const std::vector<int> list = short_list(run.result, kObjectives, 3);
  CHECK(proof.chosen == list[1]);  // the first one can't be measured on the other device
  CHECK(proof.proved);
  write_proof(proof, run.feasibility, kObjectives, run.result, run.folder.path());
  const json latency = json::parse(run.folder.text("best.json")).at("latency_ms");
  CHECK(latency.at("formula").at("budget") == 1.2);
  CHECK_FALSE(latency.at("other").contains("budget"));
  CHECK(latency.at("other").at("predicted").get<double>() == Approx(2 * run.predicted_ms(list[1])));
  CHECK(latency.at("other").at("measured").get<double>() == Approx(run.predicted_ms(list[1])));
}

TEST_CASE("a measured network without a latency bound is no proof", "[search]") {
  Searched run;
  const Feasibility unbounded = toy_feasibility(toy_space());
  FakeDevice fake;
  const Proof proof = prove(unbounded, kObjectives, run.result, {fake.device()}, {3, 0, 1});
  CHECK(proof.chosen >= 0);
  CHECK_FALSE(proof.proved);
}

TEST_CASE("nothing but failures fails the check with the first reason", "[search]") {
  const Feasibility feasibility = toy_feasibility(toy_space());
  SearchResult result;
  result.evaluated.push_back({{}, Failure{"NaN in stage2"}});
  CHECK_THROWS_WITH(prove(feasibility, kObjectives, result, {}, {5, 4, 1}),
                    ContainsSubstring("none of the 1 evaluated networks has a result; the first "
                                      "one: NaN in stage2"));
}

TEST_CASE("a budget is proved on the table's own device only", "[search]") {
  latency::LatencyTable::Header table;
  table.device.name = "local";
  table.device.model = "Cortex-X1";
  table.device.engine = "xnnpack";
  table.device.engine_version = "2022";
  latency::DeviceInfo device = table.device;
  latency::Protocol protocol = table.protocol;
  device.name = "ssh:me@host";
  CHECK_NOTHROW(require_same_device(table, "t.json", device, protocol));
  device.engine_version = "2024";
  CHECK_THROWS_WITH(require_same_device(table, "t.json", device, protocol),
                    ContainsSubstring("t.json: expected the device, engine") &&
                        ContainsSubstring("2024") && ContainsSubstring("2022") &&
                        ContainsSubstring("--no-prove"));
  CHECK_THROWS_AS(require_same_device(table, "t.json", device, protocol), DeviceError);
  device = table.device;
  protocol.threads = 4;
  CHECK_THROWS_WITH(require_same_device(table, "t.json", device, protocol),
                    ContainsSubstring("threads: 4, not 1"));
  protocol = table.protocol;
  protocol.clock = latency::Clock::steady;
  CHECK_THROWS_WITH(require_same_device(table, "t.json", device, protocol),
                    ContainsSubstring("clock: steady, not thread_cpu"));
}
