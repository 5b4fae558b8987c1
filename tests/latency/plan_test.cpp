#include "latency/plan.hpp"

#include "spaces/cost.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <set>

using namespace lathe;
using namespace lathe::latency;
using spaces::SearchSpace;

namespace {

SearchSpace load(const std::string& name) {
  return SearchSpace::load(spaces::parse_space_name(name), "configs");
}

std::set<std::string> names_of(const std::vector<spaces::Placed>& blocks) {
  std::set<std::string> names;
  for (const auto& block : blocks) names.insert(item_name(block));
  return names;
}

std::set<std::string> sampled_names(const SearchSpace& space, int samples) {
  std::set<std::string> names;
  Rng rng(11);
  for (int i = 0; i < samples; ++i) {
    for (const auto& block : space.decode(space.sample(rng)).blocks) names.insert(item_name(block));
  }
  return names;
}

}  // namespace

TEST_CASE("a plan has every reachable block once, and no other", "[latency][plan]") {
  // tiny at 32 px: stem, three stages of 9 first and 9 later blocks, head of three.
  const SearchSpace space = load("tiny:resolution=32");
  const auto blocks = reachable_blocks(space);
  CHECK(blocks.size() == 58);
  CHECK(names_of(blocks).size() == 58);
  CHECK(names_of(blocks) == sampled_names(space, 2000));
  // At 24, 28 and 32 px: 28 and 32 px share what comes after the stride of the last stage.
  CHECK(reachable_blocks(load("tiny")).size() == 161);
  // One kernel pinned at one place: 6 first blocks of that stage fewer.
  CHECK(reachable_blocks(load("tiny:resolution=32,stage1.1.kernel=3")).size() == 52);
}

TEST_CASE("the networks of a plan differ, and the check spans the space", "[latency][plan]") {
  const SearchSpace space = load("tiny:resolution=32");
  const Plan plan = make_plan(space, 8, 20, 7);
  CHECK(plan.space == space.name());
  CHECK(plan.space_fingerprint == space.fingerprint());
  REQUIRE(plan.fit.size() == 8);
  REQUIRE(plan.check.size() == 20);
  std::set<std::uint64_t> ids;
  for (const auto* items : {&plan.fit, &plan.check}) {
    for (const Item& item : *items) ids.insert(network_id(item.net));
  }
  CHECK(ids.size() == 28);
  const auto macs = [](const spaces::NetworkSpec& net) { return spaces::count(net).macs; };
  CHECK(network_id(plan.check.front().net) == network_id(space.decode(space.smallest())));
  CHECK(network_id(plan.check.back().net) == network_id(space.decode(space.largest())));
  for (std::size_t i = 1; i < plan.check.size(); ++i) {
    CHECK(macs(plan.check[i].net) >= macs(plan.check[i - 1].net));
  }
  const auto known = names_of(reachable_blocks(space));
  for (const Item& item : plan.check) {
    for (const auto& block : item.net.blocks) CHECK(known.count(item_name(block)) == 1);
  }
}

TEST_CASE("networks follow the seed", "[latency][plan]") {
  const SearchSpace space = load("tiny");
  const Plan a = make_plan(space, 2, 6, 7), b = make_plan(space, 2, 6, 7),
             c = make_plan(space, 2, 6, 8);
  const auto names = [](const Plan& plan) {
    std::vector<std::string> list;
    for (const Item& item : plan.check) list.push_back(item.name);
    return list;
  };
  CHECK(names(a) == names(b));
  CHECK(names(a) != names(c));
}

TEST_CASE("a space of one network has it for the fit", "[latency][plan]") {
  const Plan plan = make_plan(load("mobilenet-v2:width=1,resolution=96"), 8, 20, 7);
  CHECK(plan.fit.size() == 1);
  CHECK(plan.check.empty());
  CHECK(make_plan(load("mobilenet-v2:width=1,resolution=96"), 0, 0, 7).fit.empty());
}

TEST_CASE("what a table lacks for a space is listed", "[latency][plan]") {
  const SearchSpace space = load("tiny:resolution=32");
  LatencyTable table{LatencyTable::Header{}};
  CHECK(missing_blocks(table, space).size() == 58);
  const auto blocks = reachable_blocks(space);
  Entry entry;
  entry.statistic = Micros{10};
  for (std::size_t i = 0; i < 50; ++i) table.set(key(blocks[i].block), blocks[i].precision, entry);
  const auto missing = missing_blocks(table, space);
  REQUIRE(missing.size() == 8);
  CHECK(item_name(missing.front()) == item_name(blocks[50]));
  const Plan plan = make_missing_plan(table, space);
  CHECK(plan.blocks.size() == 8);
  CHECK(plan.fit.empty());
  // Another precision is another latency.
  CHECK(missing_blocks(table, load("tiny:resolution=32,precision=int8")).size() == 58);
}

TEST_CASE("blocks meet caches as full of other weights as in a network", "[latency][plan]") {
  Plan plan = make_plan(load("tiny:resolution=32"), 1, 2, 7);
  std::vector<std::int64_t> params;
  for (const auto* items : {&plan.fit, &plan.check}) {
    for (const Item& item : *items) params.push_back(spaces::count(item.net).params);
  }
  std::sort(params.begin(), params.end());
  CHECK(resolved(Protocol{}, plan).evict_bytes == params.at(1) * 4);
  Protocol fixed;
  fixed.evict_bytes = 5;
  CHECK(resolved(fixed, plan).evict_bytes == 5);
  plan.fit.clear();
  plan.check.clear();
  CHECK(resolved(Protocol{}, plan).evict_bytes == 0);
}

TEST_CASE("the estimate grows with rounds and stays sane", "[latency][plan]") {
  const Plan plan = make_plan(load("tiny:resolution=32"), 2, 4, 7);
  Protocol protocol;
  const Micros once = estimated_time(plan, protocol);
  // 64 items, 12 rounds, at least 2 ms each.
  CHECK(once > Micros{64 * 12 * 2000.0});
  CHECK(once < Micros{60e6});
  protocol.rounds *= 2;
  CHECK(estimated_time(plan, protocol) > 1.8 * once);
}
