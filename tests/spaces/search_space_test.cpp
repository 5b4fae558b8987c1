#include "spaces/search_space.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/json_io.hpp"
#include "tests/spaces/space_support.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/scratch_folder.hpp"

#include <functional>
#include <set>

using namespace lathe;
using namespace lathe::spaces;

namespace {

/// Those that ship, and those that show what else a file can say.
std::vector<std::string> all_spaces() {
  std::vector<std::string> names = shipped_spaces();
  for (const char* const one : {"attentivenas", "fbnet", "kinds", "mobilenet-v4-conv-small"}) {
    names.push_back(std::string("tests/spaces/data/") + one + ".json");
  }
  return names;
}

std::vector<std::string> names(const SearchSpace& space, const std::vector<int>& decisions) {
  std::vector<std::string> all;
  for (const int d : decisions) all.push_back(space.decisions()[static_cast<std::size_t>(d)].name);
  return all;
}

int position(const SearchSpace& space, const std::string& name) {
  for (int p = 0; p < space.positions(); ++p) {
    if (space.position_name(p) == name) return p;
  }
  FAIL("no position " << name);
  return -1;
}

std::string key_at(const SearchSpace& space, const Architecture& arch, int p) {
  const auto placed = space.placed_at(arch, p);
  return placed ? key(placed->block) + " " + std::to_string(placed->slot) : "";
}

/// Every canonical architecture, decision by decision.
void visit_codes(const SearchSpace& space, Architecture arch, int decision,
                 const std::function<void(const Architecture&)>& visit) {
  const auto d = static_cast<std::size_t>(decision);
  if (d == arch.genes.size()) return visit(arch);
  const std::size_t choices =
      space.is_active(arch, decision) ? space.decisions()[d].choices.size() : 1;
  for (std::size_t choice = 0; choice < choices; ++choice) {
    arch.genes[d] = static_cast<std::uint8_t>(choice);
    visit_codes(space, arch, decision + 1, visit);
  }
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a space's name is read and written", "[spaces]") {
  const SpaceName name = parse_space_name("ofa-mbv3:width=1.2,resolution=160");
  CHECK(name.base == "ofa-mbv3");
  CHECK(name.settings ==
        std::vector<std::pair<std::string, std::string>>{{"width", "1.2"}, {"resolution", "160"}});
  CHECK(text(name) == "ofa-mbv3:width=1.2,resolution=160");
  CHECK(text(parse_space_name("tiny")) == "tiny");
  for (const char* const bad :
       {"", ":width=1", "a:", "a:width", "a:width=", "a:=1", "a:x=1,,y=2", "a:x=1,"}) {
    INFO(bad);
    CHECK_THROWS_WITH(parse_space_name(bad),
                      ContainsSubstring("expected NAME or NAME:setting=value,setting=value"));
    CHECK_THROWS_AS(parse_space_name(bad), ConfigError);
  }
}

TEST_CASE("all spaces are listed", "[spaces]") {
  CHECK(shipped_spaces() == Names{"mobilenet-v2", "mobilenet-v3-large",
                                  "mobilenet-v3-large-minimalistic", "mobilenet-v3-small",
                                  "mobilenet-v3-small-minimalistic", "nas-bench-macro", "ofa-mbv3",
                                  "ofa-mbv3-cifar", "tiny"});
  CHECK(list_spaces("no/such/folder").empty());
}

TEST_CASE("OFA's space has the decisions of its paper", "[spaces]") {
  const SearchSpace space = load_space("ofa-mbv3");
  const auto& decisions = space.decisions();
  CHECK(decisions.size() == 1 + 5 + 2 * 20);
  CHECK(decisions[0].name == "resolution");
  CHECK(decisions[0].choices.size() == 25);
  CHECK(names(space, {1, 2, 3, 4}) ==
        Names{"stage1.depth", "stage1.1.kernel", "stage1.1.expand", "stage1.2.kernel"});
  CHECK_FALSE(decisions[2].active_if);
  const Decision& third = decisions[static_cast<std::size_t>(space.decision("stage1.3.kernel"))];
  REQUIRE(third.active_if);
  CHECK(third.active_if->decision == 1);
  CHECK(third.active_if->choices == std::vector<int>{1, 2});
  CHECK(space.positions() == 2 + 20 + 4);
  CHECK(space.position_name(0) == "stem");
  CHECK(space.position_name(7) == "stage2.2");
  CHECK(space.position_name(25) == "classifier");
  CHECK(space.slots() == 26);
  CHECK(space.slot_name(7) == "stage2.2");
  CHECK(space.codes() == "543966387314312146275");  // 25 (9^2 + 9^3 + 9^4)^5
  CHECK(space.networks() == space.codes());
  CHECK(space.classes() == 1000);
  CHECK(space.norm_epsilon() == 1e-5);
  CHECK(space.kernel_transform());
  CHECK(space.slot_choices(position(space, "stage5.3")).size() == 9 * 4);  // maps of 4, 5, 6, 7
  CHECK_THROWS_WITH(space.decision("stage1.3.kernal"),
                    ContainsSubstring("did you mean stage1.3.kernel"));
}

TEST_CASE("tiny is small, and wide enough to search", "[spaces]") {
  const SearchSpace space = load_space("tiny");
  const std::int64_t largest = count(space.decode(space.largest())).macs;
  CHECK((largest > 5'000'000 && largest < 8'000'000));
  CHECK(count(space.decode(space.smallest())).macs * 5 < largest);
  CHECK(space.networks() == "1648059777");  // 3 (9 + 9^2 + 9^3)^3
  CHECK(space.classes() == 10);
}

TEST_CASE("a position depends on what can change its block", "[spaces]") {
  const SearchSpace ofa = load_space("ofa-mbv3");
  const auto of = [](const SearchSpace& space, const std::string& name) {
    return names(space, space.depends_on(position(space, name)));
  };
  CHECK(of(ofa, "stem") == Names{"resolution"});
  CHECK(of(ofa, "stage2.1") == Names{"resolution", "stage2.1.kernel", "stage2.1.expand"});
  CHECK(of(ofa, "stage2.4") ==
        Names{"resolution", "stage2.depth", "stage2.4.kernel", "stage2.4.expand"});
  CHECK(of(ofa, "pool") == Names{"resolution"});
  CHECK(of(ofa, "classifier").empty());
  const SearchSpace attentive = load_space("tests/spaces/data/attentivenas.json");
  CHECK(of(attentive, "mb2.1") ==
        Names{"resolution", "mb1.out", "mb2.out", "mb2.kernel", "mb2.expand"});
  CHECK(of(attentive, "mb2.5") ==
        Names{"resolution", "mb2.depth", "mb2.out", "mb2.kernel", "mb2.expand"});
  CHECK(of(attentive, "classifier") == Names{"last.out"});
  const SearchSpace macro = load_space("nas-bench-macro");
  CHECK(of(macro, "stage2.3") == Names{"stage2.3.op"});
}

TEST_CASE("only those decisions change a position", "[spaces][property]") {
  for (const std::string& name : all_spaces()) {
    const SearchSpace space = load_space(name);
    Rng rng(17);
    for (int sample = 0; sample < 100; ++sample) {
      INFO(name << ", sample " << sample << " of seed 17");
      const Architecture arch = space.sample(rng);
      const int p = rng.below(space.positions());
      const std::vector<int> used = space.depends_on(p);
      Architecture other = space.sample(rng);
      for (const int d : used) {
        other.genes[static_cast<std::size_t>(d)] = arch.genes[static_cast<std::size_t>(d)];
      }
      REQUIRE(key_at(space, other, p) == key_at(space, arch, p));
    }
  }
}

TEST_CASE("every decision of a position can change it", "[spaces][property]") {
  for (const std::string& name : all_spaces()) {
    const SearchSpace space = load_space(name);
    for (int p = 0; p < space.positions(); ++p) {
      for (const int d : space.depends_on(p)) {
        const Decision& decision = space.decisions()[static_cast<std::size_t>(d)];
        // Rounding may hide a width at a place: two multipliers, one number of channels.
        if (decision.choices.size() == 1 || decision.name == "width") continue;
        INFO(name << " " << space.position_name(p) << " "
                  << space.decisions()[static_cast<std::size_t>(d)].name);
        Rng rng(3);
        bool changes = false;
        for (int sample = 0; sample < 400 && !changes; ++sample) {
          const Architecture arch = space.sample(rng);
          Architecture other = arch;
          const int choices =
              static_cast<int>(space.decisions()[static_cast<std::size_t>(d)].choices.size());
          other.genes[static_cast<std::size_t>(d)] = static_cast<std::uint8_t>(rng.below(choices));
          changes = key_at(space, arch, p) != key_at(space, other, p);
        }
        CHECK(changes);
      }
    }
  }
}

TEST_CASE("decode is placed_at at every position", "[spaces][property]") {
  for (const std::string& name : all_spaces()) {
    const SearchSpace space = load_space(name);
    Rng rng(23);
    for (int sample = 0; sample < 50; ++sample) {
      INFO(name << ", sample " << sample << " of seed 23");
      const Architecture arch = space.sample(rng);
      const NetworkSpec net = space.decode(arch);
      std::size_t next = 0;
      Shape at = net.input;
      for (int p = 0; p < space.positions(); ++p) {
        if (const auto placed = space.placed_at(arch, p)) {
          REQUIRE(key(placed->block) == key(net.blocks[next].block));
          REQUIRE(placed->block.in[0] == at);
          at = output_shape(placed->block);
          ++next;
        }
      }
      REQUIRE(next == net.blocks.size());
      REQUIRE(at == Shape{1, 1, space.classes()});
    }
  }
}

TEST_CASE("canonical forgets what a network does not use, and nothing else", "[spaces][property]") {
  for (const std::string& name : all_spaces()) {
    const SearchSpace space = load_space(name);
    Rng rng(29);
    for (int sample = 0; sample < 100; ++sample) {
      INFO(name << ", sample " << sample << " of seed 29");
      Architecture arch;
      for (const Decision& d : space.decisions()) {
        arch.genes.push_back(
            static_cast<std::uint8_t>(rng.below(static_cast<int>(d.choices.size()))));
      }
      const Architecture canonical = space.canonical(arch);
      REQUIRE(space.canonical(canonical) == canonical);
      REQUIRE(network_id(space.decode(canonical)) == network_id(space.decode(arch)));
      for (std::size_t d = 0; d < arch.genes.size(); ++d) {
        if (space.is_active(arch, static_cast<int>(d))) {
          REQUIRE(canonical.genes[d] == arch.genes[d]);
        } else {
          REQUIRE(canonical.genes[d] == 0);
        }
      }
    }
  }
}

TEST_CASE("a slot's choices are exactly the blocks that networks hold there",
          "[spaces][property]") {
  for (const std::string& name : all_spaces()) {
    const SearchSpace space = load_space(name);
    std::vector<std::set<std::string>> keys;
    for (int slot = 0; slot < space.slots(); ++slot) {
      keys.emplace_back();
      for (const BlockSpec& block : space.slot_choices(slot)) {
        INFO(name << " " << space.slot_name(slot));
        REQUIRE(keys.back().insert(key(block)).second);
      }
      CHECK_FALSE(keys.back().empty());
    }
    std::vector<std::set<std::string>> seen(keys.size());
    Rng rng(31);
    for (int sample = 0; sample < 500; ++sample) {
      for (const Placed& placed : space.decode(space.sample(rng)).blocks) {
        const auto slot = static_cast<std::size_t>(placed.slot);
        INFO(name << " " << space.slot_name(placed.slot) << ", sample " << sample << " of seed 31");
        REQUIRE(keys[slot].count(key(placed.block)) == 1);
        seen[slot].insert(key(placed.block));
      }
    }
    if (name == "tiny" || name == "nas-bench-macro") CHECK(seen == keys);
  }
}

TEST_CASE("largest and smallest bound all networks", "[spaces][property]") {
  for (const std::string& name : all_spaces()) {
    const SearchSpace space = load_space(name);
    const std::int64_t most = count(space.decode(space.largest())).macs;
    const std::int64_t least = count(space.decode(space.smallest())).macs;
    Rng rng(37);
    for (int sample = 0; sample < 500; ++sample) {
      INFO(name << ", sample " << sample << " of seed 37");
      const std::int64_t macs = count(space.decode(space.sample(rng))).macs;
      REQUIRE(macs <= most);
      REQUIRE(macs >= least);
    }
  }
}

TEST_CASE("distinct networks are counted exactly", "[spaces][property]") {
  for (const char* const name :
       {"tests/spaces/data/kinds.json", "tests/spaces/data/kinds.json:width=1", "mobilenet-v2",
        "tiny:stage1.depth=1,stage2.depth=1,stage3.depth=2",
        "nas-bench-macro:stage2.1.op=identity"}) {
    INFO(name);
    const SearchSpace space = load_space(name);
    std::set<Architecture> codes;
    std::set<std::uint64_t> networks;
    visit_codes(space, Architecture{std::vector<std::uint8_t>(space.decisions().size(), 0)}, 0,
                [&](const Architecture& arch) {
                  codes.insert(arch);
                  networks.insert(network_id(space.decode(arch)));
                });
    CHECK(space.codes() == std::to_string(codes.size()));
    CHECK(space.networks() == std::to_string(networks.size()));
  }
}

TEST_CASE("pins leave one choice and change nothing else", "[spaces]") {
  const SearchSpace all = load_space("ofa-mbv3");
  const SearchSpace pinned = load_space("ofa-mbv3:resolution=160,stage1.depth=2");
  CHECK(pinned.name() == "ofa-mbv3:resolution=160,stage1.depth=2");
  CHECK(pinned.decisions().size() == all.decisions().size());
  CHECK(pinned.positions() == all.positions());
  CHECK(pinned.slots() == all.slots());
  CHECK(pinned.decisions()[0].choices.size() == 1);
  CHECK(pinned.decisions()[0].pinned);
  CHECK_FALSE(pinned.decisions()[0].outside);
  CHECK(pinned.codes() == "239106104313983361");  // 81 * 7371^4
  CHECK(pinned.slot_choices(position(pinned, "stage1.3")).empty());
  Rng rng(5);
  CHECK(pinned.decode(pinned.sample(rng)).input == Shape{160, 160, 3});
  CHECK(pinned.without_pins().name() == "ofa-mbv3");
  CHECK(pinned.without_pins().fingerprint() == all.fingerprint());
  CHECK(pinned.fingerprint() != all.fingerprint());
}

TEST_CASE("a pin may lie outside the listed choices", "[spaces]") {
  const SearchSpace space = load_space("ofa-mbv3:stage1.1.expand=2.5,resolution=32,stage1.depth=1");
  CHECK(space.name() == "ofa-mbv3:resolution=32,stage1.depth=1,stage1.1.expand=2.5");
  CHECK(space.decisions()[0].outside);
  Rng rng(5);
  const NetworkSpec net = space.decode(space.sample(rng));
  CHECK(std::get<MbConv>(net.blocks[2].block.body).mid == 40);
  CHECK(net.blocks[3].block.out_channels == 40);
  CHECK(load_space("mobilenet-v2:width=0.9").decisions()[0].outside);
}

TEST_CASE("parameters are named where they are not the default", "[spaces]") {
  const SearchSpace space = load_space("ofa-mbv3:classes=10,width=1.20");
  CHECK(space.name() == "ofa-mbv3:width=1.2,classes=10");
  CHECK(space.parameters() == std::vector<std::pair<std::string, std::string>>{
                                  {"width", "1.2"}, {"classes", "10"}, {"precision", "fp32"}});
  CHECK(load_space("ofa-mbv3:width=1,classes=1000").name() == "ofa-mbv3");
  CHECK(load_space("ofa-mbv3-cifar:plan=small").name() == "ofa-mbv3-cifar:plan=small");
  CHECK(load_space("ofa-mbv3:width=1.0").fingerprint() == load_space("ofa-mbv3").fingerprint());
  CHECK(load_space("ofa-mbv3:width=1.2").fingerprint() != load_space("ofa-mbv3").fingerprint());
  const SearchSpace int8 = load_space("tiny:precision=int8");
  CHECK(int8.name() == "tiny:precision=int8");
  CHECK(int8.decode(int8.largest()).blocks[0].precision == Precision::int8);
  CHECK(int8.fingerprint() == load_space("tiny").fingerprint());
}

TEST_CASE("the two stride plans for 32 px end in a 4 x 4 and a 2 x 2 map", "[spaces]") {
  const auto last_map = [](const std::string& name) {
    const SearchSpace space = load_space(name);
    return space.placed_at(space.largest(), position(space, "pool"))->block.in[0].height;
  };
  CHECK(last_map("ofa-mbv3-cifar") == 4);
  CHECK(last_map("ofa-mbv3-cifar:plan=small") == 2);
}

TEST_CASE("operators with separate weights have slots of their own", "[spaces]") {
  const SearchSpace space = load_space("nas-bench-macro");
  std::set<std::string> slots;
  for (int slot = 0; slot < space.slots(); ++slot) slots.insert(space.slot_name(slot));
  CHECK(slots.count("stage1.1.identity") == 1);  // a 1x1 convolution where the shape changes
  CHECK(slots.count("stage1.2.identity") == 0);
  CHECK(slots.count("stage3.3.mb6_k5") == 1);
  CHECK(space.slots() == 4 + 3 * 3 + 5 * 2);
}

TEST_CASE("architectures of another shape are a bug", "[spaces]") {
  const SearchSpace space = load_space("tiny");
  Architecture arch = space.largest();
  arch.genes[0] = 3;
  CHECK_THROWS_WITH(space.decode(arch),
                    ContainsSubstring("gene 3 of resolution is outside its choices"));
  arch.genes.pop_back();
  CHECK_THROWS_AS(space.decode(arch), LogicError);
  CHECK_THROWS_AS(space.canonical({}), LogicError);
}

TEST_CASE("bad settings are refused with what would do", "[spaces]") {
  const auto refuses = [](const std::string& name, const std::string& words) {
    INFO(name);
    CHECK_THROWS_WITH(load_space(name), ContainsSubstring(words));
    CHECK_THROWS_AS(load_space(name), ConfigError);
  };
  refuses("ofa-mbv4", "did you mean ofa-mbv3");
  refuses("ofa-mbv4", "expected one of mobilenet-v2, mobilenet-v3-large");
  refuses("ofa-mbv3:widht=1.2", "\"widht\"; did you mean width");
  refuses("ofa-mbv3:widht=1.2", "expected a setting among width, classes, precision, resolution");
  refuses("ofa-mbv3:stage1.1.kernl=3", "did you mean stage1.1.kernel");
  refuses("ofa-mbv3:width=1e9",
          "width: expected a multiplier that leaves no layer wider than 32768 channels");
  refuses("mobilenet-v2:width=1e300", "expected a multiplier that leaves no layer wider");
  refuses("ofa-mbv3:width=0", "width: expected a positive number, got \"0\"");
  refuses("ofa-mbv3:width=-1", "got \"-1\"");
  refuses("ofa-mbv3:width=nan", "got \"nan\"");
  refuses("ofa-mbv3:width=1x", "got \"1x\"");
  refuses("ofa-mbv3:classes=0", "classes: expected an integer in [1, 32768], got \"0\"");
  refuses("ofa-mbv3:precision=int4", "precision: expected one of fp32, fp16, int8, got \"int4\"");
  refuses("ofa-mbv3:resolution=31", "resolution: expected an integer in [32, 4096], got 31");
  refuses("ofa-mbv3:resolution=1e6", "resolution: expected an integer in [8, 4096], got \"1e6\"");
  refuses("ofa-mbv3:stage1.1.kernel=4",
          "stage1.1.kernel: expected an odd integer in [1, 31], got \"4\"");
  refuses("ofa-mbv3:stage1.depth=5", "the stage has 4 blocks at most");
  refuses("ofa-mbv3:stage1.depth=0", "stage1.depth: expected an integer in [1, 64], got \"0\"");
  refuses("ofa-mbv3:resolution=160,resolution=160", "resolution: expected each setting once");
  refuses("nas-bench-macro:stage1.1.op=mb3_k5", "did you mean mb3_k3");
  refuses("nas-bench-macro:resolution=64", "\"resolution\"");
  refuses("ofa-mbv3-cifar:plan=big", "plan: expected one of full, small, got \"big\"");
  CHECK_THROWS_WITH(load_space("tests/spaces/data/kindz.json"), ContainsSubstring("kinds.json"));
}
