#include "spaces/space_file.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/json_io.hpp"
#include "tests/spaces/space_support.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/scratch_folder.hpp"

#include <fstream>
#include <sstream>

using namespace lathe;
using namespace lathe::spaces;

namespace {

const char* const kSmall = R"({
  "format": "lathe.space", "version": 1,
  "parameters": [{"name": "plan", "words": ["a", "b"]}],
  "width": 1.0,
  "resolution": {"choices": [32, 64], "default": 64},
  "operators": [
    {"name": "k3", "block": "mbconv", "kernel": 3, "expand": 2, "act": "relu"},
    {"name": "skip", "block": "skip"}
  ],
  "stages": [
    {"name": "stem", "block": "conv", "kernel": 3, "out": 8, "stride": {"by": "plan", "a": 1, "b": 2}, "act": "relu"},
    {"name": "one", "block": "mbconv", "depth": [1, 2], "kernel": [3, 5], "expand": 2, "out": 8, "act": "relu"},
    {"name": "two", "depth": 2, "operators": ["k3", "skip"], "out": 16, "stride": 2},
    {"name": "pool", "block": "pool"},
    {"name": "classifier", "block": "linear"}
  ]
})";

/// The small space with one piece of its text replaced.
SearchSpace load_with(const std::string& from, const std::string& to) {
  std::string content = kSmall;
  if (!from.empty()) {
    const std::size_t at = content.find(from);
    REQUIRE(at != std::string::npos);
    content.replace(at, from.size(), to);
  }
  const test::ScratchFolder folder;
  std::ofstream(folder / "small.json") << content;
  return load_space((folder / "small.json").string());
}

}  // namespace

TEST_CASE("a small space means what it says", "[spaces][config]") {
  const SearchSpace space = load_with("", "");
  std::string decisions;
  for (const Decision& d : space.decisions()) decisions += d.name + " ";
  CHECK(decisions == "resolution one.depth one.1.kernel one.2.kernel two.1.op two.2.op ");
  CHECK(space.decisions()[0].standard == 1);
  // A skip cannot stand where the stride is 2.
  CHECK(space.decisions()[4].choices.size() == 1);
  CHECK(space.decisions()[5].choices.size() == 2);
  CHECK(space.codes() == "24");
}

TEST_CASE("a space's file is read strictly", "[spaces][config]") {
  const auto refuses = [](const std::string& from, const std::string& to,
                          const std::string& words) {
    INFO(to);
    CHECK_THROWS_WITH(load_with(from, to),
                      ContainsSubstring("small.json") && ContainsSubstring(words));
    CHECK_THROWS_AS(load_with(from, to), ConfigError);
  };
  refuses("\"version\": 1", "\"version\": 2", "/version");
  refuses("lathe.space", "lathe.table", "/format");
  refuses("\"width\": 1.0", "\"widht\": 1.0", "did you mean width");
  refuses("\"width\": 1.0", "\"width\": -1", "/width: expected a positive number, got -1");
  refuses("\"width\": 1.0", "\"width\": \"1\"", "/width: expected a positive number, got \"1\"");
  refuses("\"width\": 1.0", "\"width\": 1.0, \"width\": 2.0", "width");
  refuses("[32, 64]", "[32, 6]", "/resolution/choices: expected an integer in [8, 4096], got 6");
  refuses("[32, 64]", "[32, 32.0]", "expected an integer in [8, 4096], got 32.0");
  refuses("[32, 64]", "[64, 64]", "/resolution/choices: expected different choices, got 64 twice");
  refuses("[32, 64]", "[]", "expected a list of 1 to 255 choices");
  refuses("\"default\": 64", "\"default\": 48",
          "/resolution/default: expected one of the choices, got 48");
  refuses("{\"choices\": [32, 64], \"default\": 64}", "{\"from\": 32, \"to\": 63, \"step\": 4}",
          "/resolution/to: expected from plus a multiple of step, got 63");
  refuses("[3, 5]", "[3, 4]", "/stages/1/kernel: expected an odd integer in [1, 31], got 4");
  refuses("[3, 5]", "true", "/stages/1/kernel: expected an odd integer in [1, 31], got true");
  refuses("\"depth\": [1, 2]", "\"depth\": [0, 2]",
          "/stages/1/depth: expected an integer in [1, 64], got 0");
  refuses("\"expand\": 2, \"out\"", "\"expand\": 65, \"out\"",
          "/stages/1/expand: expected a number above 0 and up to 64, got 65");
  refuses("\"expand\": 2, \"out\"", "\"out\"", "/stages/1/expand");
  refuses("\"expand\": 2, \"out\": 8", "\"expand\": 64, \"out\": 1024",
          "expected a block that can be built, got mid width 65536 is not in [1, 32768]");
  refuses("\"out\": 8, \"act\"", "\"out\": 0, \"act\"",
          "/stages/1/out: expected an integer in [1, 32768]");
  refuses("\"out\": 8, \"act\"", "\"act\"", "/stages/1/out");
  refuses("\"out\": 8, \"act\": \"relu\"", "\"out\": 8, \"act\": \"rely\"", "did you mean relu");
  refuses("\"block\": \"pool\"", "\"block\": \"pol\"", "/stages/3/block");
  refuses("\"block\": \"pool\"", "\"block\": \"skip\"",
          "/stages/3/block: expected a kind that computes");
  refuses("\"block\": \"pool\"", "\"block\": \"pool\", \"out\": 8",
          "/stages/3: expected one of the keys");
  refuses("\"name\": \"one\"", "\"name\": \"stem\"",
          "/stages/1/name: expected a name not used before");
  refuses("\"name\": \"one\"", "\"name\": \"One\"",
          "/stages/1/name: expected a name of a-z, 0-9 and _");
  refuses("[\"k3\", \"skip\"]", "[\"k3\", \"skp\"]", "\"skp\"; did you mean skip");
  refuses("[\"k3\", \"skip\"]", "[\"skip\"]",
          "expected an operator that can change the shape, got only skip");
  refuses("[\"k3\", \"skip\"]", "[\"k3\", \"k3\"]", "\"k3\" twice");
  refuses("\"kernel\": 3, \"expand\": 2", "\"kernel\": [3, 5], \"expand\": 2",
          "/operators/0/kernel: expected one number, as the operator is the choice");
  refuses("\"by\": \"plan\"", "\"by\": \"plam\"", "/stages/0/stride/by");
  refuses("\"a\": 1, \"b\": 2", "\"a\": 1, \"c\": 2", "expected the words of plan, got \"c\"");
  refuses("\"a\": 1, \"b\": 2", "\"a\": 1", "/stages/0/stride/b: expected a value for every word");
  refuses("[\"a\", \"b\"]", "[\"a\", \"a\"]", "/parameters/0/words: expected different words");
  refuses("\"name\": \"plan\"", "\"name\": \"width\"",
          "/parameters/0/name: expected a name not used before");
  refuses("\"width\": 1.0", "\"text\": \"ofa\"", "/text");
  refuses("\"width\": 1.0", "\"text\": \"digits\"",
          "/text: expected only decisions among up to ten operators");
  refuses("\"block\": \"pool\"", "\"block\": \"linear\"", "a linear layer needs a 1 x 1 map");
  refuses("\"expand\": 2, \"out\": 8", "\"expand\": 2, \"out\": 8, \"decide\": \"all\"",
          "/stages/1/decide");
}

TEST_CASE("roundings are those of their sources", "[spaces]") {
  const auto divisible = [](double v) { return rounded(Rounding::make_divisible, v); };
  CHECK(divisible(32 * 0.35) == 16);  // 8 would be below 0.9 of 11.2
  CHECK(divisible(16 * 0.35) == 8);
  CHECK(divisible(24 * 0.75) == 24);
  CHECK(divisible(40 * 1.2) == 48);
  CHECK(divisible(1280 * 1.4) == 1792);
  CHECK(divisible(3) == 8);
  CHECK(divisible(59.6) == 56);
  CHECK(rounded(Rounding::make_divisible_of_rounded, 59.6) == 64);
  CHECK(rounded(Rounding::round_half_up, 11.2) == 8);  // no guard
  CHECK(rounded(Rounding::round_half_up, 12) == 16);
  CHECK(rounded(Rounding::truncate, 11.9) == 11);
  CHECK(rounded(Rounding::truncate, 0.2) == 1);
}

TEST_CASE("files of neighbouring spaces count as published", "[spaces][golden]") {
  const std::string data = "tests/spaces/data/";
  const auto check = [&](const std::string& space, const std::string& network, std::int64_t macs,
                         std::int64_t params) {
    INFO(space);
    const Count counted = count_network(data + space, network);
    CHECK(counted.macs == macs);
    CHECK(counted.params == params);
  };
  check("mobilenet-v4-conv-small.json", "{}", 186005568, 3774024);
  check("mobilenet-v4-conv-small.json", "resolution=256", 242178048, 3774024);
  const std::vector<std::string> layers = {
      "skip",     "k3_e3", "k3_e1", "skip",     "skip",  "k5_e6", "k3_e3",    "k5_e1",
      "k3_e3",    "k5_e6", "k5_e3", "k5_e1_g2", "k5_e6", "k3_e6", "k5_e1_g2", "k5_e3",
      "k3_e1_g2", "k5_e6", "k5_e6", "k5_e3",    "k5_e6", "k5_e6"};
  const SearchSpace fbnet = load_space(data + "fbnet.json");
  std::string network;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    network += fbnet.decisions()[i].name + "=" + layers[i] + " ";
  }
  check("fbnet.json", network, 244452664, 4304584);
  check("fbnet.json:e1=keep", network, 249921848, 4321464);
  CHECK(count_network(data + "fbnet.json", network, {BnParams::none, false}).params == 4271288);
  CHECK(count_network(data + "fbnet.json", network, {BnParams::affine, true}).macs == 244526360);
  check("attentivenas.json",
        "resolution=192 stem.out=16 mb1.depth=1 mb1.out=16 mb1.kernel=3 mb2.depth=3 mb2.out=24 "
        "mb2.kernel=3 "
        "mb2.expand=4 mb3.depth=3 mb3.out=32 mb3.kernel=3 mb3.expand=4 mb4.depth=3 mb4.out=64 "
        "mb4.kernel=3 "
        "mb4.expand=4 mb5.depth=3 mb5.out=112 mb5.kernel=3 mb5.expand=4 mb6.depth=3 mb6.out=192 "
        "mb6.kernel=3 "
        "mb7.depth=1 mb7.out=216 mb7.kernel=3 last.out=1792",
        203389568, 8954184);
}

TEST_CASE("the examples of the documentation are spaces", "[spaces]") {
  for (const std::string page : {"docs/file-formats/space.md", "docs/add-a-search-space.md"}) {
    INFO(page);
    std::istringstream lines(read_file(page));
    std::string example;
    bool inside = false, done = false;
    for (std::string line; std::getline(lines, line) && !done;) {
      done = inside && line == "```";
      if (inside && !done) example += line + "\n";
      inside = inside || line == "```jsonc";
    }
    REQUIRE(done);
    const test::ScratchFolder folder;
    std::ofstream(folder / "example.json") << example;
    const SearchSpace space = load_space((folder / "example.json").string());
    CHECK(space.networks());
    CHECK(count(space.decode(space.largest())).macs > count(space.decode(space.smallest())).macs);
  }
}
