#include "search/feasibility.hpp"

#include "tests/search/toy.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <set>

using namespace lathe;
using namespace lathe::search;
using namespace lathe::test;
using spaces::Architecture;

namespace {

/// Latencies in ms of all networks, by decoding and predicting whole.
std::vector<double> all_latencies(const spaces::SearchSpace& space) {
  std::vector<double> latencies;
  const FormulaLatency model;
  for (std::optional<Architecture> arch = first_genotype(space); arch;
       arch = next_genotype(space, *arch)) {
    latencies.push_back(Millis(model.predict(space.decode(*arch))).count());
  }
  return latencies;
}

}  // namespace

TEST_CASE("counting visits every canonical architecture once", "[search][property]") {
  for (const char* name : {"tiny:resolution=32,stage1.depth=1,stage2.depth=1",
                           "tiny:resolution=24,stage1.depth=1,stage3.depth=1", "nas-bench-macro"}) {
    const auto space = spaces::SearchSpace::load(spaces::parse_space_name(name), "configs");
    std::set<Architecture> seen;
    bool canonical = true;
    for (std::optional<Architecture> arch = first_genotype(space); arch;
         arch = next_genotype(space, *arch)) {
      canonical = canonical && space.canonical(*arch) == *arch;
      seen.insert(*arch);
    }
    INFO(name);
    CHECK(canonical);
    CHECK(std::to_string(seen.size()) == space.codes());
  }
}

TEST_CASE("the reachable range of a small space is exact", "[search]") {
  const auto space = toy_space();
  const std::vector<double> latencies = all_latencies(space);
  REQUIRE(latencies.size() == 6561);
  const Feasibility feasibility = toy_feasibility(space);
  CHECK(feasibility.enumerable());
  CHECK(feasibility.reach()[0].exact);
  CHECK(feasibility.reach()[0].least == *std::min_element(latencies.begin(), latencies.end()));
  CHECK(feasibility.reach()[0].most == *std::max_element(latencies.begin(), latencies.end()));
}

TEST_CASE("descent finds the range that enumeration finds", "[search]") {
  const auto space = toy_space();
  Feasibility::Options options;
  options.enumerate = 10;
  const Feasibility found(space, {"error", "latency", "memory"}, {}, formula_models(), options);
  const Feasibility exact(space, {"error", "latency", "memory"}, {}, formula_models(), {});
  CHECK_FALSE(found.enumerable());
  CHECK_FALSE(found.reach()[0].exact);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(found.reach()[i].least == exact.reach()[i].least);
    CHECK(found.reach()[i].most == exact.reach()[i].most);
    CHECK(found.reach()[i].bound <= found.reach()[i].least);
  }
}

TEST_CASE("a proposal passes exactly if every bound holds", "[search][property]") {
  const auto space = tiny_space();
  const Feasibility feasibility(
      space, {"error", "latency"},
      {{"latency", std::nullopt}, {"macs", 2.5e6}, {"memory", 90e3}, {"size", 400e3}},
      formula_models(), {});
  const std::vector<std::optional<double>>& bounds = feasibility.bounds();
  REQUIRE(feasibility.costs() == std::vector<std::string>{"latency", "macs", "memory", "size"});
  const FormulaLatency model;
  int passed = 0;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    Rng rng = Rng(3).stream("sample", i);
    const Architecture arch = space.sample(rng);
    const spaces::NetworkSpec net = space.decode(arch);
    const double expected[4] = {Millis(model.predict(net)).count(),
                                static_cast<double>(spaces::count(net).macs),
                                static_cast<double>(spaces::peak_activation_bytes(net)),
                                static_cast<double>(spaces::count(net).params * 4)};
    bool fits = true;
    for (std::size_t c = 0; c < 4; ++c) fits = fits && expected[c] <= *bounds[c];
    const std::optional<Proposal> proposal = feasibility.check(arch);
    INFO("sample " << i);
    CHECK(proposal.has_value() == fits);
    if (!proposal) continue;
    ++passed;
    for (std::size_t c = 0; c < 4; ++c) CHECK(proposal->costs[c] == expected[c]);
    CHECK(network_id(proposal->net) == network_id(net));
  }
  INFO(passed);
  CHECK(passed > 20);
  CHECK(passed < 980);
  CHECK(feasibility.check(feasibility.anchor()).has_value());
}

TEST_CASE("an impossible budget is refused with the reachable range", "[search]") {
  const auto space = toy_space();
  const Feasibility free = toy_feasibility(space);
  const Reach reach = free.reach()[0];
  CHECK_THROWS_WITH(
      toy_feasibility(space, reach.least * 0.99),
      ContainsSubstring("no network of " + space.name() + " within " +
                        text_of("latency", reach.least * 0.99) + ": reachable range " +
                        range_text("latency", reach.least, reach.most)) &&
          !ContainsSubstring("found"));
  CHECK_THROWS_AS(toy_feasibility(space, reach.least * 0.99), InfeasibleError);
  CHECK_NOTHROW(toy_feasibility(space, reach.least));
  CHECK_THROWS_WITH(Feasibility(space, {"error"}, {{"macs", 1000}}, {}, {}),
                    ContainsSubstring("within 1.00 k of macs: reachable range") ||
                        ContainsSubstring("within 1000 of macs: reachable range"));
}

TEST_CASE("what is only found by descent is called found", "[search]") {
  const auto space = tiny_space();
  const Reach reach = Feasibility(space, {"error", "memory"}, {}, {}, {}).reach()[0];
  CHECK_FALSE(reach.exact);
  CHECK_THROWS_WITH(Feasibility(space, {"error"}, {{"memory", reach.least - 1}}, {}, {}),
                    ContainsSubstring("no network of tiny found within") &&
                        ContainsSubstring("of memory: reachable range"));
}

TEST_CASE("the middle of the reachable range is a bound", "[search]") {
  const auto space = toy_space();
  const Reach reach = toy_feasibility(space).reach()[0];
  const Feasibility feasibility(space, {"error"}, {{"latency", std::nullopt}}, formula_models(),
                                {});
  CHECK(*feasibility.bounds()[0] == Approx((reach.least + reach.most) / 2).epsilon(0.005));
}

TEST_CASE("nothing admitted is infeasible, not an endless search", "[search]") {
  const auto space = toy_space();
  Feasibility::Options options;
  options.admits = [](const Architecture&) { return false; };
  CHECK_THROWS_AS(Feasibility(space, {"error", "macs"}, {}, {}, options), InfeasibleError);
  CHECK_THROWS_WITH(Feasibility(space, {"error"}, {}, {}, options), ContainsSubstring("admitted"));
}

TEST_CASE("a latency needs one table, or the name of one", "[search]") {
  const auto space = toy_space();
  CHECK_THROWS_WITH(Feasibility(space, {"error", "latency"}, {}, {}, {}),
                    ContainsSubstring("latency: expected one latency table, or latency.NAME, got "
                                      "no table; give --table"));
  LatencyModels two = formula_models();
  two["pixel"] = two.begin()->second;
  CHECK_THROWS_WITH(Feasibility(space, {"error", "latency"}, {}, two, {}),
                    ContainsSubstring("the tables formula, pixel"));
  CHECK_THROWS_WITH(Feasibility(space, {"error", "latency.pixle"}, {}, two, {}),
                    ContainsSubstring("a table named pixle"));
  CHECK(Feasibility(space, {"error", "latency.pixel"}, {}, two, {}).costs() ==
        std::vector<std::string>{"latency.pixel"});
}

TEST_CASE("blocks that a table lacks are listed with the command that measures them", "[search]") {
  const auto space = toy_space();
  latency::LatencyTable table({});
  latency::Entry entry;
  entry.statistic = Micros(10);
  std::set<std::string> keys;
  for (std::optional<Architecture> arch = first_genotype(space); arch;
       arch = next_genotype(space, *arch)) {
    for (const spaces::Placed& placed : space.decode(*arch).blocks) keys.insert(key(placed.block));
  }
  for (const std::string& k : keys) table.set(k, spaces::Precision::fp32, entry);
  CHECK_NOTHROW(require_all_blocks(space, table, "phone.json"));
  CHECK_THROWS_WITH(require_all_blocks(tiny_space(), table, "phone.json"),
                    ContainsSubstring("phone.json: expected a latency of each of the ") &&
                        ContainsSubstring("blocks that tiny can reach, got none of ") &&
                        ContainsSubstring("lathe measure --missing --space tiny --out phone.json"));
  CHECK_THROWS_AS(require_all_blocks(tiny_space(), table, "phone.json"), MissingEntry);
}
