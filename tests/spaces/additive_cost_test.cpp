#include "spaces/additive_cost.hpp"

#include "spaces/base/error.hpp"
#include "tests/spaces/space_support.hpp"
#include "tests/support/catch.hpp"

#include <map>
#include <set>

using namespace lathe;
using namespace lathe::spaces;

namespace {

/// Not associative in its sum, so that another order shows.
double odd_cost(const Placed& placed) {
  const Count counted = count(placed.block);
  return 0.1 + 1e-3 * double(counted.macs) + 1e-7 * double(counted.params);
}

/// odd_cost, but each block counted once.
struct Memo {
  std::map<std::string, double> known;
  double operator()(const Placed& placed) {
    const std::string k = key(placed.block);
    const auto found = known.find(k);
    return found != known.end() ? found->second : known.emplace(k, odd_cost(placed)).first->second;
  }
};

void check_sums(const std::string& name, int samples) {
  const SearchSpace space = load_space(name);
  const AdditiveCost cost(space, odd_cost);
  Memo memo;
  Rng rng(43);
  for (int sample = 0; sample < samples; ++sample) {
    const Architecture arch = space.sample(rng);
    double sum = 0;
    for (const Placed& placed : space.decode(arch).blocks) sum += memo(placed);
    INFO(name << ", sample " << sample << " of seed 43");
    REQUIRE(cost(arch) == sum);
    REQUIRE(cost.lower_bound() <= sum);
    REQUIRE(cost.upper_bound() >= sum);
  }
}

}  // namespace

TEST_CASE("costs from genes equal those from blocks, bit for bit", "[spaces][property]") {
  for (const char* const name :
       {"tiny", "nas-bench-macro", "mobilenet-v2", "tests/spaces/data/kinds.json"}) {
    check_sums(name, 20000);
  }
  for (const char* const name :
       {"ofa-mbv3", "ofa-mbv3-cifar:plan=small", "ofa-mbv3:stage1.depth=1,resolution=100",
        "tests/spaces/data/fbnet.json", "tests/spaces/data/attentivenas.json"}) {
    check_sums(name, 3000);
  }
}

TEST_CASE("costs from genes equal those from blocks for 10^5 networks of each space",
          "[spaces][slow]") {
  for (const std::string& name : shipped_spaces()) check_sums(name, 100000);
}

TEST_CASE("inactive genes cost nothing", "[spaces]") {
  const SearchSpace space = load_space("tiny");
  const AdditiveCost cost(space, odd_cost);
  Architecture arch = space.smallest();
  const double sum = cost(arch);
  arch.genes[static_cast<std::size_t>(space.decision("stage1.3.kernel"))] = 2;
  CHECK(cost(arch) == sum);
}

TEST_CASE("bounds are met where blocks do not constrain each other", "[spaces]") {
  const SearchSpace space = load_space("tiny:resolution=32");
  const auto macs = [](const Placed& placed) { return double(count(placed.block).macs); };
  const AdditiveCost cost(space, macs);
  CHECK(cost.upper_bound() == cost(space.largest()));
  CHECK(cost.lower_bound() == cost(space.smallest()));
}

TEST_CASE("each block is costed once at its place", "[spaces]") {
  const SearchSpace space = load_space("ofa-mbv3");
  std::map<std::pair<int, std::string>, int> calls;
  const AdditiveCost cost(space, [&](const Placed& placed) {
    ++calls[{placed.slot, key(placed.block)}];
    return 1.0;
  });
  std::size_t blocks = 0;
  for (int slot = 0; slot < space.slots(); ++slot) blocks += space.slot_choices(slot).size();
  CHECK(calls.size() == blocks);
  for (const auto& [block, times] : calls) CHECK(times == 1);
}

TEST_CASE("tables that would be too large are refused by name", "[spaces]") {
  const SearchSpace space = load_space("ofa-mbv3");
  CHECK_THROWS_WITH(AdditiveCost(space, odd_cost, 1000),
                    ContainsSubstring("space ofa-mbv3: expected at most 1000 table entries") &&
                        ContainsSubstring("more at stage1.3"));
  CHECK_THROWS_AS(AdditiveCost(space, odd_cost, 1000), ConfigError);
  const auto fails = [](const Placed&) -> double { throw MissingEntry("no latency"); };
  CHECK_THROWS_AS(AdditiveCost(space, fails), MissingEntry);
}
