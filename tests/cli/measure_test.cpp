#include "tests/cli/program.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>

using lathe::test::Invocation;
using lathe::test::run_lathe;
using lathe::test::TemporaryFolder;

namespace {

// A fixed network at a small size: a dozen blocks, measured in a moment.
const std::string kSpace = "mobilenet-v3-small-minimalistic:resolution=32";

std::vector<std::string> measure(const std::filesystem::path& out) {
  return {"measure",  "--space", kSpace,    "--config", "configs/measure/quick.json",
          "--rounds", "1",       "--quiet", "--out",    out.string()};
}

std::vector<std::string> with(std::vector<std::string> words,
                              const std::vector<std::string>& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

}  // namespace

TEST_CASE("a plan lists the blocks and writes nothing", "[cli]") {
  const TemporaryFolder folder;
  const Invocation run = run_lathe(with(measure(folder / "table.json"), {"--plan", "--json"}));
  INFO(run.err);
  REQUIRE(run.code == 0);
  const nlohmann::json plan = run.lines().at(0);
  CHECK(plan["blocks"] == plan["keys"].size());
  CHECK(plan["blocks"] > 5);
  CHECK(plan["estimated_s"] > 0.0);
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("a table is measured, told, rebuilt, compared, used, and never overwritten", "[cli]") {
  const TemporaryFolder folder;
  const std::string table = (folder / "table.json").string();
  const Invocation run = run_lathe(measure(table));
  INFO(run.err);
  REQUIRE(run.code == 0);
  CHECK_THAT(run.out, ContainsSubstring("xnnpack") && ContainsSubstring("p25"));
  REQUIRE(std::filesystem::exists(table + ".samples.jsonl"));

  const nlohmann::json info = run_lathe({"table", "info", table, "--json"}).lines().at(0);
  CHECK(info["blocks"] > 5);
  CHECK(info["device"]["engine"] == "xnnpack");

  const Invocation again = run_lathe(measure(table));
  CHECK(again.code == 2);
  CHECK_THAT(again.err, ContainsSubstring("expected a name that does not exist yet"));

  const std::string rebuilt = (folder / "rebuilt.json").string();
  REQUIRE(run_lathe({"table", "rebuild", table + ".samples.jsonl", "--out", rebuilt}).code == 0);
  const nlohmann::json same = run_lathe({"table", "diff", table, rebuilt, "--json"}).lines().at(0);
  CHECK(same["common"] == info["blocks"]);
  CHECK(same["only_a"] == 0);
  CHECK(same["only_b"] == 0);
  CHECK(same["median_ratio"] == 1.0);

  const nlohmann::json net =
      run_lathe({"net", "--space", kSpace, "--table", "laptop=" + table, "--json", "{}"})
          .lines()
          .at(0);
  CHECK(net["latency_ms"]["laptop"] > 0.0);

  const Invocation twice =
      run_lathe({"net", "--space", kSpace, "--table", table, "--table", table, "{}"});
  CHECK(twice.code == 2);
  CHECK_THAT(twice.err, ContainsSubstring("a name of its own for every table"));

  const Invocation lacking = run_lathe({"net", "--space", "tiny", "--table", table,
                                        "r24 k3e2 / k3e2 "
                                        "/ k3e2"});
  CHECK(lacking.code == 3);
  CHECK_THAT(lacking.err, ContainsSubstring("--missing"));
}

TEST_CASE("whole networks are measured into a file that checks a table", "[cli]") {
  const TemporaryFolder folder;
  const std::string table = (folder / "table.json").string();
  const std::string nets = (folder / "nets.json").string();
  REQUIRE(run_lathe(measure(table)).code == 0);
  const Invocation run = run_lathe(with(measure(nets), {"--nets", "{}", R"({"resolution":48})"}));
  INFO(run.err);
  REQUIRE(run.code == 0);
  CHECK_THAT(run.out, ContainsSubstring("median") && ContainsSubstring("P90"));
  const Invocation lacking = run_lathe({"table", "check", table, "--against", nets});
  CHECK(lacking.code == 3);  // the table holds one resolution only
  const std::string one = (folder / "one.json").string();
  REQUIRE(run_lathe(with(measure(one), {"--nets", "{}"})).code == 0);
  const nlohmann::json check =
      run_lathe({"table", "check", table, "--against", one, "--json"}).lines().at(0);
  CHECK(check["networks"] == 1);
  CHECK(check["mape"] >= 0.0);
}

TEST_CASE("--missing adds what another space lacks, and then there is nothing left", "[cli]") {
  const TemporaryFolder folder;
  const std::string table = (folder / "table.json").string();
  REQUIRE(run_lathe(measure(table)).code == 0);
  std::vector<std::string> other = with(measure(table), {"--missing"});
  other[2] = "mobilenet-v3-small-minimalistic:resolution=48";
  const auto blocks = [](const Invocation& run) { return run.lines().at(0)["blocks"].get<int>(); };
  const nlohmann::json plan = run_lathe(with(other, {"--plan", "--json"})).lines().at(0);
  const int before = blocks(run_lathe({"table", "info", table, "--json"}));
  CHECK(plan["blocks"] > 0);
  CHECK(plan["networks"] == 0);
  const Invocation run = run_lathe(with(other, {"--json"}));
  INFO(run.err);
  REQUIRE(run.code == 0);
  CHECK(blocks(run) == before + plan["blocks"].get<int>());
  CHECK(run_lathe(with(other, {"--plan", "--json"})).lines().at(0)["blocks"] == 0);
}

TEST_CASE("mistakes on lathe measure's line are named before anything runs", "[cli]") {
  const TemporaryFolder folder;
  const auto refused = [&](const std::vector<std::string>& more, const std::string& part) {
    const Invocation run = run_lathe(with(measure(folder / "t.json"), more));
    INFO(run.err);
    CHECK(run.code == 2);
    CHECK_THAT(run.err, ContainsSubstring(part));
    CHECK(std::filesystem::is_empty(folder.path()));
  };
  refused({"--cores", "0-x"}, "--cores: expected core numbers such as 0,2-3, got \"0-x\"");
  refused({"--device", "no-such-device"}, "no-such-device");
  refused({"--set", "ronds=3"}, "did you mean rounds");
  refused({"--precision", "fp23"}, "fp23");
}
