#include "spaces/network_text.hpp"

#include "spaces/base/error.hpp"
#include "tests/spaces/space_support.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/scratch_folder.hpp"

#include <nlohmann/json.hpp>

#include <fstream>

using namespace lathe;
using namespace lathe::spaces;
using nlohmann::json;

namespace {

const std::string kOfaNet =
    "r176 k3e3 k3e4 / k5e3 k7e6 k3e3 / k3e3 k3e3 k3e3 k3e3 / k3e6 k5e6 / k5e6 k5e6 k5e6";

void refuses(const SearchSpace& space, const std::string& network, const std::string& words) {
  INFO(network);
  CHECK_THROWS_WITH(parse_network(space, network, "NET 1"),
                    ContainsSubstring("NET 1") && ContainsSubstring(words));
  CHECK_THROWS_AS(parse_network(space, network, "NET 1"), ConfigError);
  CHECK_THROWS_AS(parse_network(space, network, "nets.json: /1", Strictness::data), FormatError);
}

std::string write(const test::ScratchFolder& folder, const std::string& name,
                  const std::string& text) {
  std::ofstream(folder / name) << text;
  return (folder / name).string();
}

}  // namespace

TEST_CASE("networks of every space survive every form", "[spaces][property]") {
  std::vector<std::string> spaces = shipped_spaces();
  spaces.insert(spaces.end(),
                {"ofa-mbv3:width=1.2,stage1.depth=1,stage2.1.expand=2.5", "tiny:resolution=28",
                 "nas-bench-macro:stage1.1.op=mb6_k5", "mobilenet-v2:width=0.9",
                 "tests/spaces/data/kinds.json", "tests/spaces/data/fbnet.json"});
  for (const std::string& name : spaces) {
    const SearchSpace space = load_space(name);
    Rng rng(41);
    for (int sample = 0; sample < 1000; ++sample) {
      const Architecture arch = space.sample(rng);
      const std::string line = to_text(space, arch);
      INFO(name << ", sample " << sample << " of seed 41: " << line);
      const NamedNetwork from_line = parse_network(space, line, "test");
      REQUIRE(from_line.arch == arch);
      REQUIRE(to_text(from_line.space, from_line.arch) == line);
      REQUIRE(from_line.space.name() == space.name());
      const json ours = to_json(space, arch);
      REQUIRE(space_of_network(ours.dump()) == space.name());
      REQUIRE(parse_network(space, ours.dump(), "test").arch == arch);
      REQUIRE(parse_network(space, ours["decisions"].dump(), "test").arch == arch);
      if (space.text_form() == "ofa") {
        REQUIRE(parse_network(space, to_ofa(space, arch).dump(), "test").arch == arch);
      }
    }
  }
}

TEST_CASE("the one-line text of OFA-like spaces", "[spaces]") {
  const SearchSpace space = load_space("ofa-mbv3");
  const NamedNetwork named = parse_network(space, "  " + kOfaNet + "\n", "test");
  CHECK(to_text(space, named.arch) == kOfaNet);
  CHECK_FALSE(named.outside);
  const NetworkSpec net = space.decode(named.arch);
  CHECK(net.input == Shape{176, 176, 3});
  CHECK(std::get<MbConv>(net.blocks[3].block.body).mid == 96);
  CHECK(std::get<MbConv>(net.blocks[5].block.body).kernel == 7);
  CHECK(net.blocks.size() == 2 + 14 + 4);
}

TEST_CASE("the other one-line texts", "[spaces]") {
  const SearchSpace v2 = load_space("mobilenet-v2");
  const NamedNetwork named = parse_network(v2, "resolution=192 width=0.5", "test");
  CHECK(to_text(v2, named.arch) == "width=0.5 resolution=192");
  CHECK(to_text(v2, parse_network(v2, "width=1.3", "test").arch) == "width=1.3 resolution=224");
  CHECK(to_text(v2, parse_network(v2, R"({"width":1.3})", "test").arch) ==
        "width=1.3 resolution=224");
  const SearchSpace macro = load_space("nas-bench-macro");
  CHECK(to_text(macro, parse_network(macro, "12012012", "test").arch) == "12012012");
}

TEST_CASE("our JSON leaves out the decisions of absent blocks", "[spaces]") {
  const SearchSpace space = load_space("ofa-mbv3:width=1.2");
  const json ours = to_json(space, parse_network(space, kOfaNet, "test").arch);
  CHECK(ours["format"] == "lathe.architecture");
  CHECK(ours["version"] == 1);
  CHECK(ours["space"] == "ofa-mbv3:width=1.2");
  CHECK(ours["decisions"]["resolution"] == 176);
  CHECK(ours["decisions"]["stage1.2.expand"] == 4);
  CHECK_FALSE(ours["decisions"].contains("stage1.3.expand"));
  CHECK(ours["decisions"].size() == 1 + 5 + 2 * 14);
}

TEST_CASE("an OFA dictionary is read and written", "[spaces]") {
  const SearchSpace space = load_space("ofa-mbv3");
  const Architecture arch = parse_network(space, kOfaNet, "test").arch;
  json ofa = to_ofa(space, arch);
  CHECK(ofa.dump() == R"({"d":[2,3,4,2,3],"e":[3,4,3,3,3,6,3,3,3,3,3,3,6,6,3,3,6,6,6,3],)"
                      R"("ks":[3,3,3,3,5,7,3,3,3,3,3,3,3,5,3,3,5,5,5,3],"r":[176]})");
  ofa["r"] = 176;
  ofa["wid"] = nullptr;
  ofa["ks"][2] = 0;  // of an absent block
  CHECK(parse_network(space, ofa.dump(), "test").arch == arch);
  refuses(space, R"({"ks":[3],"e":[3],"d":[2],"r":176})",
          "/ks: expected a list of 20 numbers, got a list of 1");
  ofa["wid"] = json::array({1});
  refuses(space, ofa.dump(), "/wid: expected null");
  ofa.erase("wid");
  ofa["r"] = json::array({160, 176});
  refuses(space, ofa.dump(), "/r: expected a number, got [160,176]");
  ofa.erase("r");
  refuses(space, ofa.dump(), "/r: expected the resolution, got nothing");
  ofa["r"] = 176;
  ofa["ks"][0] = "3";
  refuses(space, ofa.dump(), "/ks/0: expected a number, got \"3\"");
  ofa["ks"][0] = 3;
  ofa["d"][0] = 5;
  refuses(space, ofa.dump(), "stage1.depth: expected an integer in [1, 4], got 5");
  ofa["d"][0] = 2;
  ofa["x"] = 2;
  refuses(space, ofa.dump(), "expected the keys ks, e, d, r, got \"x\"");
  const SearchSpace v2 = load_space("mobilenet-v2");
  CHECK_THROWS_WITH(to_ofa(v2, v2.largest()), ContainsSubstring("expected an OFA-like space"));
  refuses(v2, ofa.dump(), "only OFA-like spaces can be written so");
}

TEST_CASE("values outside the choices make a network outside its space", "[spaces]") {
  const SearchSpace space = load_space("ofa-mbv3");
  std::string off = kOfaNet;
  off.replace(0, 4, "r236");
  const NamedNetwork named = parse_network(space, off, "test");
  CHECK(named.outside);
  CHECK(named.space.name() == "ofa-mbv3:resolution=236");
  CHECK(to_text(named.space, named.arch) == off);
  CHECK(named.space.decode(named.arch).input.height == 236);
  const NamedNetwork again = parse_network(named.space, off, "test");
  CHECK(again.outside);
  CHECK(again.arch == named.arch);
  const NamedNetwork back = parse_network(named.space, kOfaNet, "test");
  CHECK(back.space.name() == "ofa-mbv3:resolution=176");
  const NamedNetwork v2 =
      parse_network(load_space("mobilenet-v2"), R"({"width":0.9,"resolution":100})", "test");
  CHECK(v2.outside);
  CHECK(v2.space.name() == "mobilenet-v2:width=0.9,resolution=100");
}

TEST_CASE("what is no network is refused with what would do", "[spaces]") {
  const SearchSpace ofa = load_space("ofa-mbv3"), macro = load_space("nas-bench-macro"),
                    v2 = load_space("mobilenet-v2");
  refuses(ofa, "", "expected a network of ofa-mbv3, got nothing");
  refuses(ofa, "nonsense", "expected the resolution first, such as r176, got \"nonsense\"");
  refuses(ofa, "r176 k3e3", "expected 5 stages with / between them, got 1");
  refuses(ofa, "r176 k3 / k3e3 / k3e3 / k3e3 / k3e3",
          "stage1.1: expected kernel and expansion, such as k3e4, got \"k3\"");
  refuses(ofa, "r176 / k3e3 / k3e3 / k3e3 / k3e3", "stage1: expected at least one block, got none");
  refuses(ofa, "r176 k3e3 k3e3 k3e3 k3e3 k3e3", "stage1: expected at most 4 blocks, got more");
  refuses(ofa, kOfaNet + " / k3e3", "expected 5 stages");
  refuses(ofa, "r20" + kOfaNet.substr(4), "resolution: expected an integer in [32, 4096], got 20");
  refuses(ofa, "r176 k4e3" + kOfaNet.substr(9),
          "stage1.1.kernel: expected an odd integer in [1, 31]");
  refuses(ofa, R"({"resolution":176})", "stage1.depth: expected one of 2, 3, 4, got nothing");
  refuses(ofa, R"({"resolution":176,"stage1.dept":2})",
          "\"stage1.dept\"; did you mean stage1.depth");
  refuses(ofa, R"({"resolution":[176]})", "resolution: expected a number or a word, got a list");
  refuses(ofa, R"({"resolution":176,"resolution":160})", "resolution");
  refuses(ofa, R"({"resolution":)", "NET 1");
  refuses(macro, "1201201", "expected 8 digits, one per place, got \"1201201\"");
  refuses(macro, "12012013", "stage3.3.op: expected a digit from 0 to 2, got \"3\"");
  refuses(macro, R"({"stage1.1.op":"mb3_k5"})",
          "expected one of identity, mb3_k3, mb6_k5, got \"mb3_k5\"; did you mean mb3_k3");
  refuses(v2, "width=1 width=1", "width: expected one value, got two");
  refuses(v2, "width", "expected name=value, got \"width\"");
  refuses(v2, "width=wide", "width: expected a positive number, got \"wide\"");
  refuses(v2, "width=1e9", "leaves no layer wider than 32768 channels");
  refuses(v2, "[\"k3_e6\",\"skip\"]",
          "operator lists and block strings cannot be read by this version");
  refuses(v2, R"({"name":"x","blocks":[]})", "got a net.config");
}

TEST_CASE("our JSON is only read for its own space", "[spaces]") {
  const SearchSpace wide = load_space("ofa-mbv3:width=1.2"), plain = load_space("ofa-mbv3");
  const Architecture arch = parse_network(plain, kOfaNet, "test").arch;
  const std::string ours = to_json(plain, arch).dump();
  refuses(wide, ours, "/space: expected a network of ofa-mbv3:width=1.2, got one of ofa-mbv3");
  CHECK(parse_network(load_space("ofa-mbv3:resolution=176"), ours, "test").space.name() ==
        "ofa-mbv3:resolution=176");
  CHECK(parse_network(load_space("ofa-mbv3:precision=int8"), ours, "test").arch == arch);
  json other = to_json(plain, arch);
  other["space"] = "ofa-mbv3:classes=1000,resolution=160";  // a default and a pin
  CHECK(parse_network(plain, other.dump(), "test").arch == arch);
  other["version"] = 2;
  refuses(plain, other.dump(), "/version");
  other["version"] = 1;
  other["extra"] = 1;
  refuses(plain, other.dump(), "extra");
  CHECK(space_of_network(kOfaNet) == std::nullopt);
  CHECK(space_of_network(R"({"width":1})") == std::nullopt);
  CHECK_THROWS_AS(space_of_network("{"), ConfigError);
}

TEST_CASE("a value of an absent block must be one of the choices", "[spaces]") {
  const SearchSpace tiny = load_space("tiny:stage1.depth=1,stage2.depth=1,stage3.depth=1");
  json decisions = to_json(tiny, tiny.largest())["decisions"];
  decisions["stage1.2.kernel"] = 5;
  CHECK_FALSE(parse_network(tiny, decisions.dump(), "test").outside);
  decisions["stage1.2.kernel"] = 9;
  refuses(tiny, decisions.dump(), "stage1.2.kernel: expected one of 3, 5, 7, got \"9\"");
}

TEST_CASE("arguments are files or networks", "[spaces]") {
  const test::ScratchFolder folder;
  const auto texts = [](const std::vector<NetworkArgument>& all) {
    std::vector<std::string> list;
    for (const NetworkArgument& one : all) list.push_back(one.text);
    return list;
  };
  using Texts = std::vector<std::string>;
  const auto typed = expand_network_arguments({"width=1", R"({"width":1})"});
  CHECK(texts(typed) == Texts{"width=1", R"({"width":1})"});
  CHECK(typed[1].where == "NET 2");
  CHECK(typed[1].strictness == Strictness::config);

  const std::string object = write(folder, "one.json", "{\n \"width\": 1\n}\n");
  CHECK(texts(expand_network_arguments({object})) == Texts{"{\n \"width\": 1\n}"});
  const std::string list = write(folder, "list.json", R"([{"width":1}, "width=0.5"])");
  const auto listed = expand_network_arguments({list});
  CHECK(texts(listed) == Texts{R"({"width":1})", "width=0.5"});
  CHECK(listed[1].where == list + ": /1");
  CHECK(listed[1].strictness == Strictness::data);
  const std::string operators = write(folder, "ops.json", R"(["k3_e6","skip"])");
  CHECK(texts(expand_network_arguments({operators})) == Texts{R"(["k3_e6","skip"])"});
  const std::string lines =
      write(folder, "nets.jsonl", "{\"width\":1}\n\n\"width=0.5\"\nwidth=0.35\n");
  const auto read = expand_network_arguments({lines, "width=1.4"});
  CHECK(texts(read) == Texts{R"({"width":1})", "width=0.5", "width=0.35", "width=1.4"});
  CHECK(read[1].where == lines + ":3");
  CHECK(read[3].where == "NET 2");

  CHECK_THROWS_WITH(expand_network_arguments({write(folder, "empty.json", " \n")}),
                    ContainsSubstring("empty.json: expected a network, got an empty file"));
  CHECK_THROWS_WITH(expand_network_arguments({write(folder, "none.json", "[]")}),
                    ContainsSubstring("none.json: expected a network, got an empty list"));
  CHECK_THROWS_WITH(expand_network_arguments({(folder / "ones.json").string()}),
                    ContainsSubstring("ones.json") && ContainsSubstring("one.json"));
  CHECK_THROWS_AS(expand_network_arguments({(folder / "ones.json").string()}), FormatError);
}
