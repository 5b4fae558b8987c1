#include "supernet/training/phase.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/json_io.hpp"
#include "spaces/cost.hpp"
#include "spaces/network_text.hpp"
#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>

#include <map>
#include <set>

using namespace lathe;
using namespace lathe::supernet;
using spaces::SearchSpace;

namespace {

SearchSpace tiny(const std::string& name = "tiny") {
  return SearchSpace::load(spaces::parse_space_name(name), "configs");
}

/// One phase with those choices open.
TrainConfig config_with(const nlohmann::json& open) {
  return read_train_config(
      {{"format", "lathe.train"},
       {"version", 1},
       {"space", "tiny"},
       {"data", {{"path", "x"}}},
       {"phases", {{{"name", "p"}, {"epochs", 1}, {"lr", 0.1}, {"open", open}}}}},
      "t.json");
}

Phase phase_with(const nlohmann::json& open) { return plan_phases(config_with(open), tiny())[0]; }

std::string refusal(const nlohmann::json& open) {
  try {
    phase_with(open);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "planned";
}

std::set<std::string> values(const SearchSpace& space, const Phase& phase,
                             const std::string& name) {
  const int d = space.decision(name);
  std::set<std::string> texts;
  for (const int c : phase.open[std::size_t(d)])
    texts.insert(text(space.decisions()[std::size_t(d)].choices[std::size_t(c)]));
  return texts;
}

}  // namespace

TEST_CASE("what a phase does not name stays at its largest", "[supernet][training]") {
  const SearchSpace space = tiny();
  const Phase phase = phase_with({{"kernel", {3, 7}}, {"depth", "all"}});
  CHECK(values(space, phase, "stage1.1.kernel") == std::set<std::string>{"3", "7"});
  CHECK(values(space, phase, "stage3.depth") == std::set<std::string>{"1", "2", "3"});
  CHECK(values(space, phase, "stage2.2.expand") == std::set<std::string>{"4"});
  CHECK(values(space, phase, "resolution") == std::set<std::string>{"32"});
  CHECK(space.canonical(phase_with(nlohmann::json::object()).smallest) ==
        space.canonical(space.largest()));
  CHECK(phase_with({{"kernel", "all"}, {"depth", "all"}, {"expand", "all"}, {"resolution", "all"}})
            .smallest == space.canonical(space.smallest()));
}

TEST_CASE("a phase that the space can't open is refused with the key", "[supernet][training]") {
  CHECK(refusal({{"kernel", {3, 7}}}) == "planned");
  CHECK_THAT(
      refusal({{"kernle", "all"}}),
      ContainsSubstring("t.json: /phases/0/open/kernle: expected a kind of decision of tiny") &&
          ContainsSubstring("did you mean kernel?"));
  CHECK_THAT(refusal({{"kernel", {3, 9, 7}}}),
             ContainsSubstring("/open/kernel: expected values that tiny has, got 9"));
  CHECK_THAT(refusal({{"expand", {2, 3}}}),
             ContainsSubstring("the largest network stays open in every phase"));
}

TEST_CASE("a sampled network keeps to what is open, evenly", "[supernet][training][property]") {
  const SearchSpace space = tiny();
  const Phase phase = phase_with({{"kernel", {3, 7}}, {"depth", "all"}, {"resolution", "all"}});
  const int resolution = space.decision("resolution"), depth = space.decision("stage2.depth");
  std::map<int, int> depths;
  for (std::uint64_t i = 0; i < 3000; ++i) {
    const auto arch = sample_open(space, phase.open, 1, Rng(3).stream("n", i));
    REQUIRE(arch == space.canonical(arch));
    REQUIRE(arch.genes[std::size_t(resolution)] == 1);
    for (std::size_t d = 0; d < arch.genes.size(); ++d) {
      if (static_cast<int>(d) == resolution || !space.is_active(arch, static_cast<int>(d)))
        continue;
      const auto& open = phase.open[d];
      REQUIRE(std::find(open.begin(), open.end(), int(arch.genes[d])) != open.end());
    }
    ++depths[arch.genes[std::size_t(depth)]];
  }
  for (const auto& [choice, count] : depths) {  // 1000 expected, deviation 26
    INFO("depth choice " << choice);
    CHECK(count > 870);
    CHECK(count < 1130);
  }
  CHECK(depths.size() == 3);
}

TEST_CASE("the largest at a resolution differs in nothing else", "[supernet][training]") {
  const SearchSpace space = tiny();
  const auto net = space.decode(at_resolution(space, space.largest(), 0));
  CHECK(net.input.height == 24);
  CHECK(net.blocks.size() == space.decode(space.largest()).blocks.size());
  const SearchSpace pinned = tiny("tiny:resolution=28");
  CHECK(pinned.decode(at_resolution(pinned, pinned.largest(), 0)).input.height == 28);
}

TEST_CASE("a step draws its networks, or lays the drawn ones between largest and smallest",
          "[supernet][training]") {
  const SearchSpace space = tiny();
  Phase phase = phase_with({{"kernel", "all"}, {"depth", "all"}, {"resolution", "all"}});
  phase.config.subnets_per_step = 4;
  const auto drawn = step_networks(space, phase, 1, Rng(5));
  phase.config.sandwich = true;
  const auto sandwich = step_networks(space, phase, 1, Rng(5));
  REQUIRE(drawn.size() == 4);
  REQUIRE(sandwich.size() == 4);
  CHECK(sandwich[0] == at_resolution(space, space.largest(), 1));
  CHECK(sandwich[1] == drawn[1]);
  CHECK(sandwich[2] == drawn[2]);
  CHECK(sandwich[3] == at_resolution(space, phase.smallest, 1));
  const int resolution = space.decision("resolution");
  CHECK(phase.smallest.genes[std::size_t(resolution)] == 0);
  CHECK(sandwich[3].genes[std::size_t(resolution)] == 1);
}

TEST_CASE("open choices unite in order", "[supernet][training]") {
  CHECK(unite({{0, 2}, {1}}, {{1, 2}, {1}}) == OpenChoices{{0, 1, 2}, {1}});
}

TEST_CASE("a step costs three passes a network and one of the teacher", "[supernet][training]") {
  const SearchSpace space = tiny();
  const double macs = double(spaces::count(space.decode(space.largest())).macs);
  Phase phase = phase_with(nlohmann::json::object());
  CHECK(step_cost(space, phase) == Approx(3 * macs));
  phase.config.distillation = 1;
  phase.config.subnets_per_step = 2;
  CHECK(step_cost(space, phase) == Approx(7 * macs));
}
