#include "search/cli/options.hpp"
#include "spaces/base/error.hpp"
#include "tests/cli/program.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <sstream>

using namespace lathe;
using namespace lathe::cli;

namespace {

Parsed parse(std::vector<std::string> words) {
  words.insert(words.begin(), "lathe");
  return parse_command_line(words);
}

const std::vector<std::vector<std::string>> kCommands = {{"spaces"},
                                                         {"space"},
                                                         {"net"},
                                                         {"measure"},
                                                         {"table", "info"},
                                                         {"table", "check"},
                                                         {"table", "diff"},
                                                         {"table", "rebuild"},
                                                         {"train"},
                                                         {"evaluate"},
                                                         {"search"},
                                                         {"export"},
                                                         {"report"},
                                                         {"doctor"},
                                                         {"config", "explain"},
                                                         {"config", "check"},
                                                         {"version"}};

}  // namespace

TEST_CASE("every command's help has usage, flags, an example, and fits 80 columns", "[cli]") {
  std::vector<std::vector<std::string>> all = kCommands;
  all.push_back({});
  all.push_back({"table"});
  all.push_back({"config"});
  for (std::vector<std::string> command : all) {
    command.push_back("--help");
    const Command parsed = parse(command).command;
    REQUIRE(std::holds_alternative<Help>(parsed));
    const std::string text = std::get<Help>(parsed).text;
    INFO(text);
    CHECK_THAT(text, ContainsSubstring("Usage: lathe") && ContainsSubstring("Example:\n  lathe "));
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      if (line.rfind("  lathe ", 0) != 0) CHECK(line.size() <= 79);
    }
  }
}

TEST_CASE("help's examples parse", "[cli]") {
  for (std::vector<std::string> command : kCommands) {
    command.push_back("--help");
    const std::string text = std::get<Help>(parse(command).command).text;
    std::string example = text.substr(text.find("Example:\n  lathe ") + 17);
    example.erase(std::remove(example.begin(), example.end(), '\''), example.end());
    std::istringstream words(example);
    std::vector<std::string> argv;
    for (std::string word; words >> word;) argv.push_back(word);
    INFO(example);
    CHECK_NOTHROW(parse(argv));
  }
}

TEST_CASE("an unknown command names the nearest", "[cli]") {
  CHECK_THROWS_WITH(parse({"mesure"}),
                    "lathe: expected a command, got \"mesure\"; did you mean "
                    "measure?");
  CHECK_THROWS_WITH(parse({"xyzzy"}), ContainsSubstring("see `lathe --help`"));
  CHECK_THROWS_WITH(parse({"table", "ceck"}),
                    "lathe table: expected one of info, check, diff, rebuild, got \"ceck\"; did "
                    "you mean check?");
  CHECK_THROWS_WITH(parse({"config"}),
                    ContainsSubstring("expected one of explain, check, got nothing"));
}

TEST_CASE("an unknown flag names the nearest", "[cli]") {
  CHECK_THROWS_WITH(parse({"net", "--spcae", "tiny", "x"}),
                    "lathe net: expected a flag that it knows, got --spcae; did you mean --space?");
  CHECK_THROWS_WITH(parse({"search", "--supernet", "a", "--out", "b", "--latency-buget=2ms"}),
                    ContainsSubstring("got --latency-buget; did you mean --latency-budget?"));
  CHECK_THROWS_AS(parse({"version", "-x"}), ConfigError);
}

TEST_CASE("what is missing, repeated or out of range is named", "[cli]") {
  CHECK_THROWS_WITH(parse({"net", "--space", "tiny"}),
                    ContainsSubstring("lathe net: expected NET") && ContainsSubstring("nothing"));
  CHECK_THROWS_WITH(parse({"measure", "--out", "x"}),
                    ContainsSubstring("lathe measure: expected --space SPACE, got nothing"));
  CHECK_THROWS_WITH(parse({"measure", "--space", "tiny"}), ContainsSubstring("--out TABLE"));
  CHECK_THROWS_WITH(parse({"space", "tiny", "more"}),
                    ContainsSubstring("lathe space: expected no further argument, got \"more\""));
  CHECK_THROWS_WITH(parse({"train", "c", "--out", "r", "--threads", "0"}),
                    "lathe train: --threads: expected a whole number in [1, 1024], got 0");
  CHECK_THROWS_WITH(parse({"train", "c", "--out", "r", "--seed", "-1"}),
                    ContainsSubstring("--seed: expected a whole number in [0, "));
  CHECK_THROWS_WITH(parse({"train", "c", "--out", "r", "--seed", "3x"}),
                    ContainsSubstring("got 3x"));
  CHECK_THROWS_WITH(parse({"train", "c", "--out"}), ContainsSubstring("--out"));
  CHECK_THROWS_WITH(parse({"train", "c", "--out", "a", "--out", "b"}), ContainsSubstring("--out"));
}

TEST_CASE("inline networks arrive as typed", "[cli]") {
  const std::string list = R"(["k3_e6","skip","k5_e1_g2"])", text = "r176 k3e3 k3e4 / k5e3";
  const auto parsed = parse({"net", list, "--table", "a.json", text, "--table", "b=c.json"});
  const auto& net = std::get<NetOptions>(parsed.command);
  CHECK(net.nets == std::vector<std::string>{list, text});
  CHECK(net.tables == std::vector<std::string>{"a.json", "b=c.json"});
}

TEST_CASE("overrides keep their order and their equals signs", "[cli]") {
  const auto parsed = parse({"train", "c.json", "--out", "r", "--set", "a.b=1", "--set=c=[1,2]",
                             "--seed", "7", "--quiet", "--json"});
  const auto& train = std::get<TrainOptions>(parsed.command);
  CHECK(train.overrides == std::vector<std::string>{"a.b=1", "c=[1,2]"});
  CHECK(train.seed == 7u);
  CHECK(parsed.general.quiet);
  CHECK(parsed.general.json);
}
