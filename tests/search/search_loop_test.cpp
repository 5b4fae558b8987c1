#include "search/search_loop.hpp"

#include "search/ageing_searcher.hpp"
#include "search/evolution_searcher.hpp"
#include "search/run_files.hpp"
#include "tests/search/toy.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/recording_sink.hpp"

#include <nlohmann/json.hpp>

#include <cmath>
#include <limits>
#include <sstream>

using namespace lathe;
using namespace lathe::search;
using namespace lathe::test;
using nlohmann::json;

namespace {

const std::vector<std::string> kObjectives{"error", "latency"};

/// Asks the sink to stop once it has evaluated `most` networks.
class StoppingEvaluator final : public Evaluator {
 public:
  StoppingEvaluator(Evaluator& inner, RecordingSink& sink, std::size_t most)
      : inner_(inner), sink_(sink), most_(most) {}
  std::vector<std::string> supplies() const override { return inner_.supplies(); }
  std::vector<std::variant<std::vector<double>, Failure>> evaluate(
      const std::vector<Proposal>& proposals) override {
    done_ += proposals.size();
    if (done_ >= most_) sink_.request_stop();
    return inner_.evaluate(proposals);
  }

 private:
  Evaluator& inner_;
  RecordingSink& sink_;
  std::size_t most_, done_ = 0;
};

struct RunOptions {
  int workers = 1, chunk = 1, evaluations = 70, population = 16;
  std::size_t stop_after = 0;  ///< evaluations; 0: not
  double fail_below = 0;
  Micros save_every{0};  ///< after every round
  bool ageing = false;   ///< else NSGA-II
};

std::unique_ptr<Searcher> searcher_of(const Feasibility& feasibility, const RunOptions& options) {
  const Rng rng = Rng(5).stream("search");
  if (!options.ageing) {
    EvolutionConfig config;
    config.population = options.population;
    return std::make_unique<EvolutionSearcher>(feasibility, config, rng);
  }
  AgeingConfig config;
  config.population = options.population;
  config.sample = 4;
  config.batch = 5;
  config.exponents = {{"latency", 0.07}};
  return std::make_unique<AgeingSearcher>(feasibility, config, kObjectives, rng);
}

SearchResult run_toy(const Feasibility& feasibility, const std::filesystem::path& folder,
                     const RunOptions& options, RecordingSink& sink) {
  const auto searcher = searcher_of(feasibility, options);
  FormulaEvaluator evaluator(options.workers);
  evaluator.fail_below = options.fail_below;
  StoppingEvaluator stopping(
      evaluator, sink,
      options.stop_after > 0 ? options.stop_after : std::numeric_limits<std::size_t>::max());
  return run_search({feasibility, *searcher, stopping, kObjectives, options.evaluations, Micros{0},
                     options.chunk, options.save_every},
                    folder, sink);
}

std::vector<json> lines_of(const std::string& text) {
  std::vector<json> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(json::parse(line));
  return lines;
}

void check_same_bytes(const TempFolder& a, const TempFolder& b) {
  for (const char* name : {"evaluated.jsonl", "front.json", "history.csv"}) {
    INFO(name);
    CHECK(a.text(name) == b.text(name));
  }
}

}  // namespace

TEST_CASE("a search writes every network, the front and its history", "[search]") {
  const auto space = toy_space();
  const Feasibility feasibility = toy_feasibility(space, 1.2);
  TempFolder folder;
  RecordingSink sink;
  const SearchResult result = run_toy(feasibility, folder.path(), {}, sink);
  CHECK(result.stopped == "evaluations");
  REQUIRE(result.evaluated.size() == 70);

  const std::vector<json> lines = lines_of(folder.text("evaluated.jsonl"));
  REQUIRE(lines.size() == 70);
  std::vector<Scores> all;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    CHECK(lines[i].at("index") == i);
    CHECK(lines[i].at("error") == lines[i].at("objectives").at("error"));
    CHECK(lines[i].at("objectives").at("latency") <= 1.2);
    CHECK_FALSE(lines[i].at("network").get<std::string>().empty());
    all.push_back({lines[i].at("error"), lines[i].at("objectives").at("latency")});
  }

  const json front = json::parse(folder.text("front.json"));
  CHECK(front.at("format") == "lathe.front");
  CHECK(front.at("stopped") == "evaluations");
  CHECK(front.at("constraints").at("latency") == 1.2);
  std::size_t rank_0 = 0;
  for (int rank : non_dominated_ranks(all)) rank_0 += rank == 0;
  CHECK(front.at("points").size() == rank_0);
  for (const json& point : front.at("points")) {
    const json& line = lines.at(point.at("index").get<std::size_t>());
    CHECK(point.at("network") == line.at("network"));
    CHECK(point.at("objectives") == line.at("objectives"));
    CHECK(point.at("macs") > 0);
  }

  const std::string history = folder.text("history.csv");
  CHECK(history.rfind("evaluations,hypervolume,best_error\n16,", 0) == 0);
  CHECK(std::count(history.begin(), history.end(), '\n') == 1 + 5);
  CHECK_THAT(folder.text("timing.csv"), ContainsSubstring("round,evaluations,elapsed_s"));
  const std::vector<RecordedEvent> events = sink.events("search.generation");
  REQUIRE(events.size() == 5);
  CHECK(events.back().fields.at("evaluations") == 70);
  CHECK(events.back().fields.at("hypervolume") == result.hypervolume);
  double before = 0;
  for (const RecordedEvent& event : events) {
    CHECK(event.fields.at("hypervolume") >= before);
    before = event.fields.at("hypervolume").get<double>();
  }
  CHECK(before > 0);
  CHECK(before < 1);
}

TEST_CASE("the reference point follows from space and bounds alone", "[search]") {
  const auto space = toy_space();
  const Feasibility free = toy_feasibility(space), bound = toy_feasibility(space, 1.2);
  const HypervolumeBox box = hypervolume_box(bound, kObjectives);
  CHECK(box.ideal == Scores{0, free.reach()[0].least});
  CHECK(box.reference[0] == 1);
  CHECK(box.reference[1] == Approx(1.32));
  CHECK(hypervolume_box(free, kObjectives).reference[1] == Approx(1.1 * free.reach()[0].most));
  ParetoFront front;
  CHECK(share_of_box(front, box.ideal, box.reference) == 0);
  front.insert({0, box.ideal});
  CHECK(share_of_box(front, box.ideal, box.reference) == Approx(1));
}

TEST_CASE("workers and chunks change no byte of a search", "[search]") {
  const auto space = toy_space();
  const Feasibility feasibility = toy_feasibility(space, 1.2);
  for (const bool ageing : {false, true}) {
    INFO((ageing ? "ageing" : "evolution"));
    TempFolder one, four;
    RecordingSink sink;
    RunOptions options;
    options.ageing = ageing;
    run_toy(feasibility, one.path(), options, sink);
    options.workers = 4;
    options.chunk = 7;
    run_toy(feasibility, four.path(), options, sink);
    check_same_bytes(one, four);
  }
}

TEST_CASE("an interrupted and resumed search ends with the same bytes", "[search]") {
  const auto space = toy_space();
  const Feasibility feasibility = toy_feasibility(space, 1.2);
  for (const bool ageing : {false, true}) {
    RunOptions uninterrupted;
    uninterrupted.ageing = ageing;
    TempFolder whole;
    RecordingSink quiet;
    run_toy(feasibility, whole.path(), uninterrupted, quiet);
    for (std::size_t stop_after : {1, 16, 23, 40, 69}) {
      TempFolder parts;
      RecordingSink sink;
      RunOptions options = uninterrupted;
      options.stop_after = stop_after;
      if (stop_after == 40) options.save_every = Micros(1e9);
      INFO((ageing ? "ageing" : "evolution") << " stopped after " << stop_after);
      CHECK_THROWS_WITH(run_toy(feasibility, parts.path(), options, sink),
                        ContainsSubstring("interrupted after " + std::to_string(stop_after) +
                                          " evaluations; the state is saved, --resume goes on"));
      CHECK(lines_of(parts.text("evaluated.jsonl")).size() == stop_after);
      RecordingSink fresh;
      RunOptions others = uninterrupted;
      others.workers = 4;
      others.chunk = 5;
      run_toy(feasibility, parts.path(), others, fresh);
      check_same_bytes(whole, parts);
      run_toy(feasibility, parts.path(), uninterrupted, fresh);
      check_same_bytes(whole, parts);
    }
  }
}

TEST_CASE("a killed search goes on from what is on disk", "[search]") {
  const auto space = toy_space();
  const Feasibility feasibility = toy_feasibility(space, 1.2);
  TempFolder whole, parts;
  RecordingSink quiet, sink;
  run_toy(feasibility, whole.path(), {}, quiet);
  RunOptions options;
  options.stop_after = 41;
  CHECK_THROWS_AS(run_toy(feasibility, parts.path(), options, sink), Interrupted);
  const std::filesystem::path log = parts.path() / "evaluated.jsonl";
  // Killed while a line was written, and before history and front were.
  std::filesystem::resize_file(log, std::filesystem::file_size(log) - 9);
  std::filesystem::remove(parts.path() / "history.csv");
  std::filesystem::remove(parts.path() / "front.json");
  RecordingSink fresh;
  run_toy(feasibility, parts.path(), {}, fresh);
  check_same_bytes(whole, parts);
}

TEST_CASE("a finished search is not run again", "[search]") {
  const auto space = toy_space();
  const Feasibility feasibility = toy_feasibility(space, 1.2);
  TempFolder folder;
  RecordingSink sink;
  const SearchResult first = run_toy(feasibility, folder.path(), {}, sink);
  RecordingSink again;
  const SearchResult second = run_toy(feasibility, folder.path(), {}, again);
  CHECK(again.events("search.generation").empty());
  CHECK(second.evaluated.size() == first.evaluated.size());
  CHECK(second.hypervolume == first.hypervolume);
}

TEST_CASE("a state of another setup, or without its results, is refused", "[search]") {
  const auto space = toy_space();
  const Feasibility feasibility = toy_feasibility(space, 1.2);
  TempFolder folder;
  RecordingSink sink;
  run_toy(feasibility, folder.path(), {}, sink);
  const Feasibility other = toy_feasibility(space, 1.25);
  CHECK_THROWS_WITH(run_toy(other, folder.path(), {}, sink),
                    ContainsSubstring("state.json: /setup: expected the setup") &&
                        ContainsSubstring("1.25") && ContainsSubstring("1.2}") &&
                        ContainsSubstring("start a new run"));
  CHECK_THROWS_AS(run_toy(other, folder.path(), {}, sink), ConfigError);
  std::filesystem::resize_file(folder.path() / "evaluated.jsonl", 0);
  CHECK_THROWS_WITH(run_toy(feasibility, folder.path(), {}, sink),
                    ContainsSubstring("evaluated.jsonl: expected at least 16 lines") &&
                        ContainsSubstring("got 0"));
  write_file(folder.path() / "state.json", "{\"format\": \"lathe.search-state\"}");
  CHECK_THROWS_AS(run_toy(feasibility, folder.path(), {}, sink), FormatError);
  write_file(folder.path() / "evaluated.jsonl", "{\"index\": 0, \"network\": \"x\"}\n");
  CHECK_THROWS_WITH(run_toy(feasibility, folder.path(), {}, sink),
                    ContainsSubstring("evaluated.jsonl: line 1: /genes"));
}

TEST_CASE("results of another search are not taken for one's own", "[search]") {
  const auto space = toy_space();
  const Feasibility feasibility = toy_feasibility(space, 1.2);
  TempFolder folder;
  RecordingSink sink;
  run_toy(feasibility, folder.path(), {}, sink);
  std::filesystem::remove(folder.path() / "state.json");
  const std::vector<json> lines = lines_of(folder.text("evaluated.jsonl"));
  json other = lines[5];
  other["index"] = 0;
  write_file(folder.path() / "evaluated.jsonl", dump_json_line(other) + "\n");
  CHECK_THROWS_WITH(
      run_toy(feasibility, folder.path(), {}, sink),
      ContainsSubstring("evaluated.jsonl: line 1: expected the network that this search "
                        "proposes next, got another one"));
}

TEST_CASE("failures are recorded, counted and kept off the front", "[search]") {
  const auto space = toy_space();
  const Feasibility feasibility = toy_feasibility(space);
  TempFolder whole, folder;
  RecordingSink sink;
  double best = 1;
  for (const Evaluated& e : run_toy(feasibility, whole.path(), {}, sink).evaluated) {
    best = std::min(best, std::get<Scores>(e.scores)[0]);
  }
  RunOptions options;
  options.fail_below = best * 1.3;
  const SearchResult result = run_toy(feasibility, folder.path(), options, sink);
  int failed = 0;
  for (const json& line : lines_of(folder.text("evaluated.jsonl"))) {
    if (!line.contains("failure")) continue;
    ++failed;
    CHECK(line.at("failure") == "made to fail");
    CHECK_FALSE(line.contains("error"));
    CHECK_FALSE(line.contains("objectives"));
  }
  CHECK(failed > 0);
  CHECK(result.evaluated.size() == 70);
  for (const FrontPoint& point : result.front.points()) {
    CHECK(point.scores[0] >= options.fail_below);
  }
  run_toy(feasibility, folder.path(), options, sink);
  CHECK(lines_of(folder.text("evaluated.jsonl")).size() == 70);
}

TEST_CASE("a search ends when nothing is left or time is over", "[search]") {
  const auto space = toy_space();
  const double least = toy_feasibility(space).reach()[0].least;
  const Feasibility tight = toy_feasibility(space, least * 1.03);
  TempFolder folder, timed;
  RecordingSink sink;
  RunOptions options;
  options.evaluations = 5000;
  const SearchResult result = run_toy(tight, folder.path(), options, sink);
  CHECK(result.stopped == "exhausted");
  CHECK(result.evaluated.size() < 1000);
  CHECK(json::parse(folder.text("front.json")).at("stopped") == "exhausted");

  EvolutionSearcher searcher(tight, {}, Rng(1));
  FormulaEvaluator evaluator;
  const SearchResult stopped =
      run_search({tight, searcher, evaluator, kObjectives, 5000, Micros(1e-3), 1, Micros{0}},
                 timed.path(), sink);
  CHECK(stopped.stopped == "time");
  CHECK(stopped.evaluated.empty());
}

TEST_CASE("a score that is not finite is that network's failure", "[search]") {
  class NanEvaluator final : public Evaluator {
   public:
    std::vector<std::string> supplies() const override { return {"error"}; }
    std::vector<std::variant<std::vector<double>, Failure>> evaluate(
        const std::vector<Proposal>& proposals) override {
      return std::vector<std::variant<std::vector<double>, Failure>>(
          proposals.size(), std::vector<double>{std::nan("")});
    }
  } evaluator;
  const Feasibility feasibility = toy_feasibility(toy_space());
  EvolutionSearcher searcher(feasibility, {}, Rng(1));
  TempFolder folder;
  RecordingSink sink;
  const SearchResult result =
      run_search({feasibility, searcher, evaluator, kObjectives, 3, Micros{0}, 1, Micros{0}},
                 folder.path(), sink);
  REQUIRE(result.evaluated.size() == 3);
  CHECK(std::get<Failure>(result.evaluated[0].scores).reason == "error is not finite");
  CHECK_THAT(folder.text("history.csv"), ContainsSubstring("3,0.0,\n"));
}
