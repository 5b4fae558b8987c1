// Every broken form of the files that search/ reads.

#include "tests/support/broken_files.hpp"

#include "search/registry.hpp"
#include "search/result_files.hpp"
#include "search/run_files.hpp"
#include "search/search_config.hpp"
#include "search/tabular_evaluator.hpp"
#include "spaces/base/json_io.hpp"
#include "tests/search/toy.hpp"
#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>

using namespace lathe;
using namespace lathe::search;
using namespace lathe::test;
using nlohmann::json;
using test::BrokenFiles;
using test::check_broken_files;
using test::Mutation;

namespace {

const std::vector<Mutation> kLarge = {Mutation::huge, Mutation::unsigned64, Mutation::beyond};
/// Of a number that is written as a fraction and may have any value.
const std::vector<Mutation> kAnyNumber = {Mutation::minus, Mutation::huge, Mutation::minus_huge,
                                          Mutation::unsigned64, Mutation::beyond};
const std::vector<Mutation> kFreeKeys = {Mutation::unknown, Mutation::misspelt};

/// What is lawful in a network as it stands in results.
std::vector<test::Lawful> lawful_record(const std::string& at) {
  return {{at + "/error", kLarge},
          {at + "/objectives/*", kAnyNumber},
          {at + "/macs", {Mutation::huge}},
          {at + "/params", {Mutation::huge}},
          {at + "/latency_ms", {Mutation::misspelt}},
          {at + "/latency_ms/*/predicted", kLarge},
          {at + "/latency_ms/*/budget", kLarge},
          {at + "/latency_ms/*/measured", kLarge},
          {at + "/latency_ms/*/p90", kLarge},
          {at + "/latency_ms/*/spread", kLarge},
          {at + "/latency_ms/*/wall_median", kLarge},
          {at + "/latency_ms/*/gap", kAnyNumber}};
}

void append(std::vector<test::Lawful>& to, const std::vector<test::Lawful>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

}  // namespace

TEST_CASE("every broken search config is refused", "[search][config][broken]") {
  for (const char* name : {"phone", "quickstart", "nas-bench-macro"}) {
    BrokenFiles files{
        "search.json", read_file(std::string("configs/search/") + name + ".json"),
        [](const auto& file) { read_search_config(load_json(file, Comments::allowed), file); }};
    files.code = ExitCode::usage;
    files.lawful = {{"/seed", {Mutation::huge}}};
    // A name that others refer to is missed there; without its kind an evaluator needs a run.
    files.elsewhere = {{"/constraints", {Mutation::misspelt}},
                       {"/evaluator", {Mutation::misspelt}}};
    if (name == std::string("phone")) files.elsewhere.push_back({"/tables", {Mutation::misspelt}});
    if (name == std::string("quickstart"))
      files.lawful.push_back({"/tables", {Mutation::misspelt}});
    if (name == std::string("nas-bench-macro"))
      files.lawful.push_back({"/prove", {Mutation::object}});
    check_broken_files(files);
  }
}

TEST_CASE("every broken table of results is refused", "[search][broken]") {
  const auto space =
      spaces::SearchSpace::load(spaces::parse_space_name("nas-bench-macro"), "configs");
  const auto read = [&](const std::filesystem::path& file) {
    TabularEvaluator::parse(read_file(file), file, space);
  };
  BrokenFiles files{"results.json", R"({"meta": {"what": "made here"}, "networks": [
      {"code": "00000000", "acc": [90.1, 90.2, 90.3], "params": 1, "flops": 2},
      {"network": "12012012", "error": 0.25, "macs": 3}]})",
                    read};
  // What is not used may be any number.
  files.lawful = {{"/meta", {}}, {"/meta/**", {}}};
  for (const char* key : {"params", "flops", "macs"}) {
    files.lawful.push_back({std::string("/networks/*/") + key,
                            {Mutation::fraction, Mutation::whole, Mutation::huge,
                             Mutation::unsigned64, Mutation::beyond}});
  }
  check_broken_files(files);
}

TEST_CASE("every broken evaluated.jsonl is refused", "[search][broken]") {
  const auto space =
      spaces::SearchSpace::load(spaces::parse_space_name("nas-bench-macro"), "configs");
  BrokenFiles files{
      "evaluated.jsonl",
      R"({"error":0.0901,"genes":[0,1,2,0,1,2,0,1],"index":0,"network":"01201201","objectives":{"error":0.0901,"latency":1.14},"costs":{"macs":1.5}})"
      "\n"
      R"({"failure":"loss is NaN","genes":[1,1,1,1,1,1,1,1],"index":1,"network":"11111111"})"
      "\n",
      [space](const auto& file) {
        parse_evaluated(read_file(file), file, space, {"error", "latency"});
      }};
  files.lines = true;
  files.may_be_empty = true;
  files.lawful = lawful_record("/0");
  append(files.lawful, {{"/0/costs", kFreeKeys}, {"/0/costs/*", kAnyNumber}});
  check_broken_files(files);
}

TEST_CASE("every broken state of a search is refused", "[search][broken]") {
  const auto space = toy_space();
  const Feasibility feasibility = toy_feasibility(space);
  for (const std::string kind : {"random", "evolution", "ageing"}) {
    json config = {{"kind", kind}};
    if (kind == "ageing") config["exponents"] = {{"latency", 0.07}};
    SearcherFactory make;
    ConfigReader::read(json{{"searcher", config}}, "config", Strictness::config,
                       [&](ConfigReader& r) {
                         r.object(
                             "searcher",
                             [&](ConfigReader& s) {
                               make = read_searcher(s, {"error", "latency"});
                             },
                             "");
                       });
    const auto searcher = make(feasibility, Rng(1));
    std::vector<Evaluated> results;
    for (Proposal& proposal : searcher->ask()) {
      const double error = formula_error(proposal.net);
      if (results.size() < 3) results.push_back({std::move(proposal), Scores{error, 1.5}});
    }
    searcher->tell(results);
    const json setup = "toy";
    const json state = state_json(setup, {1.5, {{3, 0.5, 0.25}}}, *searcher);
    BrokenFiles files{"state.json", state.dump(1), [&](const auto& file) {
                        const auto other = make(feasibility, Rng(1));
                        try {
                          parse_state(read_file(file), file, setup, *other);
                        } catch (const ConfigError& error) {  // as its own test says
                          throw FormatError(error.what());
                        }
                      }};
    files.lawful = {{"/rounds/*/0", {Mutation::huge, Mutation::unsigned64}},
                    {"/searcher/generation", {Mutation::huge}},
                    {"/searcher/round", {Mutation::huge}},
                    {"/searcher/population/*/scores/*", kAnyNumber},
                    {"/searcher/population/losses/*", kAnyNumber},
                    {"/searcher/history/losses/*", kAnyNumber}};
    check_broken_files(files);
  }
}

TEST_CASE("every broken front, best and measured file is refused", "[search][broken]") {
  BrokenFiles front{
      "front.json",
      R"({"format": "lathe.front", "version": 1, "space": "tiny", "space_fingerprint": "1234abcd5678ef90", "objectives": ["error", "latency"], "units": {"error": "", "latency": "ms"}, "constraints": {"latency": 1.5}, "reach": {"latency": {"least": 0.5, "most": 2.5, "exact": true}}, "evaluations": 20, "stopped": "evaluations", "hypervolume": {"share": 0.5, "ideal": {"error": 0.5, "latency": 0.5}, "reference": {"error": 1.5, "latency": 1.65}}, "points": [{"index": 3, "network": "r28 k3e3", "genes": [0, 1, 2], "error": 0.25, "objectives": {"error": 0.25, "latency": 1.14}, "macs": 1000, "params": 200, "costs": {"macs": 1000}}]})",
      [](const auto& file) { parse_front(read_file(file), file); }};
  front.lawful = lawful_record("/points/*");
  append(front.lawful, {{"/points/*/costs", kFreeKeys},
                        {"/points/*/costs/*", {Mutation::fraction, Mutation::whole}},
                        {"/points/*/costs/*", kAnyNumber},
                        {"/points/*/objectives", {Mutation::unknown}},
                        {"/evaluations", {Mutation::huge}},
                        {"/units", {Mutation::misspelt}},
                        {"/constraints", kFreeKeys},
                        {"/constraints/*", kAnyNumber},
                        {"/reach", {Mutation::misspelt}},
                        {"/reach/*", kFreeKeys},
                        {"/reach/latency/*", {}},
                        {"/hypervolume/share", kAnyNumber},
                        {"/hypervolume/ideal", {Mutation::unknown}},
                        {"/hypervolume/ideal/*", kAnyNumber},
                        {"/hypervolume/reference", {Mutation::unknown}},
                        {"/hypervolume/reference/*", kAnyNumber}});
  check_broken_files(front);
  BrokenFiles best{
      "best.json",
      R"({"index": 3, "network": "r28 k3e3", "genes": [0, 1, 2], "error": 0.25, "objectives": {"error": 0.25, "latency": 1.14}, "format": "lathe.best", "version": 1, "space": "tiny", "space_fingerprint": "1234abcd5678ef90", "decisions": {"resolution": 28, "stage1.1.op": "mb3"}, "accuracy": 0.75, "macs": 1000, "params": 200, "proved": true, "latency_ms": {"desk": {"clock": "thread_cpu", "predicted": 1.25, "budget": 1.5, "measured": 1.3125, "p90": 1.375, "spread": 0.0625, "wall_median": 1.4375, "samples": 40, "gap": 0.05, "within_budget": true, "wall_within_budget": true}}, "short_list": [{"index": 3, "network": "r28 k3e3", "genes": [0, 1, 2], "error": 0.25, "objectives": {"error": 0.25, "latency": 1.14}, "latency_ms": {"desk": {"clock": "thread_cpu", "predicted": 1.25, "budget": 1.5, "measured": 1.3125, "p90": 1.375, "spread": 0.0625, "wall_median": 1.4375, "samples": 40, "gap": 0.05, "within_budget": true, "wall_within_budget": true}}, "holds": true, "short_listed": true, "on_front": false}]})",
      [](const auto& file) { parse_best(read_file(file), file); }};
  best.lawful = lawful_record("");
  append(best.lawful, lawful_record("/short_list/*"));
  append(best.lawful,
         {{"/accuracy", {Mutation::minus, Mutation::minus_huge}},
          {"/objectives", kFreeKeys},
          {"/short_list/*/objectives", kFreeKeys},
          {"/decisions", kFreeKeys},
          {"/decisions/stage1.1.op", {Mutation::integer, Mutation::fraction}},
          {"/decisions/resolution", {Mutation::fraction, Mutation::whole, Mutation::text}},
          {"/decisions/resolution", kAnyNumber}});
  check_broken_files(best);
  BrokenFiles measured{
      "measured.json",
      R"({"format": "lathe.measured", "version": 1, "networks": [{"index": 3, "network": "r28 k3e3", "genes": [0, 1, 2], "error": 0.25, "objectives": {"error": 0.25, "latency": 1.14}, "latency_ms": {"desk": {"clock": "thread_cpu", "predicted": 1.25, "budget": 1.5, "measured": 1.3125, "p90": 1.375, "spread": 0.0625, "wall_median": 1.4375, "samples": 40, "gap": 0.05, "within_budget": true, "wall_within_budget": true}}, "holds": true, "short_listed": true, "on_front": false}, {"index": 3, "network": "r28 k3e3", "genes": [0, 1, 2], "error": 0.25, "objectives": {"error": 0.25, "latency": 1.14}, "latency_ms": {"desk": {"clock": "steady", "failure": "lost"}}, "holds": false, "short_listed": true, "on_front": false}]})",
      [](const auto& file) { parse_measured(read_file(file), file); }};
  measured.lawful = lawful_record("/networks/*");
  append(measured.lawful, {{"/networks/*/objectives", kFreeKeys}});
  check_broken_files(measured);
}
