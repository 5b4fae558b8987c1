#include "tests/cli/program.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>

using lathe::test::Invocation;
using lathe::test::read_text;
using lathe::test::run_lathe;
using lathe::test::TemporaryFolder;
using lathe::test::write_text;

namespace {

/// A search over 32 networks of NAS-Bench-Macro whose errors are made up: the more blocks, the
/// better.
class Tabular {
 public:
  Tabular() {
    std::string rows;
    for (int code = 0; code < 32; ++code) {
      std::string digits = "22222222";
      int blocks = 0;
      for (int i = 0; i < 5; ++i) {
        const int choice = (code >> i) & 1;
        digits[static_cast<std::size_t>(i)] = static_cast<char>('1' + choice);
        blocks += choice;
      }
      rows += (rows.empty() ? "" : ",") + std::string("\n{\"code\":\"") + digits +
              "\",\"error\":" + std::to_string(0.5 - 0.05 * blocks) + "}";
    }
    write_text(folder / "results.json", "{\"networks\":[" + rows + "]}");
    write_text(config(), R"(// made up
{"format": "lathe.search", "version": 1, "space": "nas-bench-macro",
 "evaluator": {"kind": "tabular", "data": "results.json"},
 "objectives": ["error", "macs"],
 "budget": {"evaluations": 20}, "prove": false, "seed": 3})");
  }
  std::filesystem::path config() const { return folder / "search.json"; }
  std::vector<std::string> words(const std::string& out,
                                 const std::vector<std::string>& more = {}) const {
    std::vector<std::string> all = {"search", config().string(), "--quiet", "--out",
                                    (folder / out).string()};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  const TemporaryFolder folder;
};

}  // namespace

TEST_CASE("a tabular search leaves its files and a screen that fits 80 columns", "[cli]") {
  const Tabular job;
  const Invocation run = run_lathe(job.words("run"));
  INFO(run.err);
  REQUIRE(run.code == 0);
  for (const char* file : {"evaluated.jsonl", "front.json", "best.json", "history.csv",
                           "timing.csv", "manifest.json", "config.json", "events.jsonl"}) {
    INFO(file);
    CHECK(std::filesystem::exists(job.folder / "run" / file));
  }
  CHECK_THAT(run.out, ContainsSubstring("Chosen") && ContainsSubstring("accuracy") &&
                          ContainsSubstring("points of the front"));
  const nlohmann::json manifest =
      nlohmann::json::parse(read_text(job.folder / "run" / "manifest.json"));
  CHECK(manifest["status"] == "complete");
  CHECK(manifest["inputs"].size() == 2);  // config and data
  std::istringstream lines(read_text(job.folder / "run" / "events.jsonl"));
  std::string first;
  std::getline(lines, first);
  CHECK(nlohmann::json::parse(first)["name"] == "run.start");
  for (std::string line; std::getline(lines, line);) CHECK_NOTHROW(nlohmann::json::parse(line));

  const Invocation report = run_lathe({"report", (job.folder / "run").string()});
  CHECK(report.code == 0);
  CHECK(report.out == run.out);
}

TEST_CASE("threads do not change a search's bytes; an existing run is refused or resumed",
          "[cli]") {
  const Tabular job;
  REQUIRE(run_lathe(job.words("one", {"--threads", "1"})).code == 0);
  REQUIRE(run_lathe(job.words("four", {"--threads", "4"})).code == 0);
  for (const char* file : {"evaluated.jsonl", "front.json", "history.csv"}) {
    CHECK(read_text(job.folder / "one" / file) == read_text(job.folder / "four" / file));
  }
  const Invocation again = run_lathe(job.words("one"));
  CHECK(again.code == 2);
  CHECK_THAT(again.err, ContainsSubstring("--resume"));
  CHECK(run_lathe(job.words("one", {"--resume", "--threads", "3"})).code ==
        0);  // complete: told again
  const Invocation other =
      run_lathe(job.words("one", {"--resume", "--set", "budget.evaluations=9"}));
  CHECK(other.code == 2);
  CHECK_THAT(other.err, ContainsSubstring("evaluations"));
}

TEST_CASE("ageing evolution with the error alone is searched and told", "[cli]") {
  const Tabular job;
  const std::vector<std::string> more = {
      "--set",      R"(searcher={"kind":"ageing","population":8,"sample":3})",
      "--set",      R"(objectives=["error"])",
      "--max-macs", "100M"};
  const Invocation run = run_lathe(job.words("run", more));
  INFO(run.err);
  REQUIRE(run.code == 0);
  CHECK_THAT(run.out, ContainsSubstring("nas-bench-macro: error, 20 networks evaluated") &&
                          !ContainsSubstring("the budget was not measured"));
  auto four = more;
  four.insert(four.end(), {"--threads", "4"});
  REQUIRE(run_lathe(job.words("four", four)).code == 0);
  CHECK(read_text(job.folder / "run" / "evaluated.jsonl") ==
        read_text(job.folder / "four" / "evaluated.jsonl"));
  const Invocation unweighed =
      run_lathe(job.words("none", {"--set", R"(searcher={"kind":"ageing"})"}));
  CHECK(unweighed.code == 2);
  CHECK_THAT(unweighed.err, ContainsSubstring("/searcher/exponents") &&
                                ContainsSubstring("an exponent for the objective macs"));
}

TEST_CASE("handy flags are keys of the config", "[cli]") {
  const Tabular job;
  REQUIRE(run_lathe(job.words("run", {"--seed", "9", "--evaluations", "5", "--max-macs", "100M"}))
              .code == 0);
  const nlohmann::json config =
      nlohmann::json::parse(read_text(job.folder / "run" / "config.json"));
  CHECK(config["seed"] == 9);
  CHECK(config["budget"]["evaluations"] == 5);
  CHECK(config["evaluator"]["data"] == (job.folder / "results.json").string());
  const std::string log = read_text(job.folder / "run" / "evaluated.jsonl");
  CHECK(std::count(log.begin(), log.end(), '\n') == 5);
}

TEST_CASE("a file typed after --set is relative to the current folder", "[cli]") {
  const Tabular job;
  const std::string here =
      std::filesystem::relative(job.folder / "results.json", std::filesystem::current_path());
  REQUIRE(run_lathe(job.words("run", {"--set", "evaluator.data=" + here})).code == 0);
  const nlohmann::json config =
      nlohmann::json::parse(read_text(job.folder / "run" / "config.json"));
  CHECK(config["evaluator"]["data"] == (job.folder / "results.json").string());
}

TEST_CASE("what cannot be met or found has its exit code and its words", "[cli]") {
  const Tabular job;
  const auto refused = [&](const std::vector<std::string>& more, int code,
                           const std::string& part) {
    const Invocation run = run_lathe(job.words("run", more));
    INFO(run.err);
    CHECK(run.code == code);
    CHECK(run.out.empty());
    CHECK_THAT(run.err, ContainsSubstring(part));
    CHECK_FALSE(std::filesystem::exists(job.folder / "run"));
  };
  refused({"--max-macs", "1k"}, 5, "reachable range");
  refused({"--max-macs", "many"}, 2, "many");
  refused({"--latency-budget", "20ms"}, 2, "--table");
  refused({"--set", "budget.evalutions=5"}, 2, "did you mean evaluations");
  refused({"--table", "no-such.json"}, 3, "no-such.json");
  refused({"--device", "local"}, 2, "--device local");
  refused({"--set", "evaluator.data=no-such.json"}, 3, "no-such.json");
}

TEST_CASE("a report is one page without anything from elsewhere", "[cli]") {
  const Tabular job;
  REQUIRE(run_lathe(job.words("run")).code == 0);
  const auto file = job.folder / "report.html";
  REQUIRE(run_lathe({"report", (job.folder / "run").string(), "--out", file.string()}).code == 0);
  const std::string page = read_text(file);
  CHECK_THAT(page, ContainsSubstring("<svg") && ContainsSubstring("The front") &&
                       ContainsSubstring("How it was made"));
  CHECK(page.find("<script") == std::string::npos);
  CHECK(page.find("src=") == std::string::npos);
  CHECK(page.find("href=") == std::string::npos);
  const Invocation again =
      run_lathe({"report", (job.folder / "run").string(), "--out", file.string()});
  CHECK(again.code == 2);
}

TEST_CASE("commands that need weights say what they need", "[cli]") {
  const Tabular job;
  REQUIRE(run_lathe(job.words("run")).code == 0);
  const Invocation weights = run_lathe(
      {"export", (job.folder / "run").string(), "--out", (job.folder / "deploy").string()});
  CHECK(weights.code == 3);
  CHECK_THAT(weights.err, ContainsSubstring("without weights"));
  const Invocation format = run_lathe({"export", (job.folder / "run").string(), "--to", "tflite",
                                       "--out", (job.folder / "deploy").string()});
  CHECK(format.code == 2);
  CHECK_THAT(
      format.err,
      ContainsSubstring("a format that this version writes: onnx, torchscript, got \"tflite\""));
  const Invocation none = run_lathe({"report", (job.folder / "no-such-run").string()});
  CHECK(none.code == 3);
}
