#include "search/first_population.hpp"

#include "search/uniform_networks.hpp"
#include "tests/search/toy.hpp"
#include "tests/support/catch.hpp"

#include <map>
#include <set>

using namespace lathe;
using namespace lathe::search;
using namespace lathe::test;
using spaces::Architecture;

namespace {

std::set<Architecture> uniform_of(const spaces::SearchSpace& space) {
  const auto all = uniform_networks(space).value();
  return {all.begin(), all.end()};
}

int count_in(const std::vector<Proposal>& proposals, const std::set<Architecture>& networks) {
  int count = 0;
  for (const Proposal& proposal : proposals) count += networks.count(proposal.arch) > 0;
  return count;
}

std::vector<Proposal> first_of(const Feasibility& feasibility, int count, double share) {
  ProposalSource source(feasibility, 200);
  return first_population(source, count, share, Rng(1));
}

}  // namespace

TEST_CASE("uniform networks have one kernel, one expansion and one depth", "[search]") {
  const auto space = tiny_space();
  const std::vector<Architecture> networks = uniform_networks(space).value();
  CHECK(networks.size() == 3 * 3 * 3 * 3);
  CHECK(std::set<Architecture>(networks.begin(), networks.end()).size() == networks.size());
  for (const Architecture& arch : networks) {
    CHECK(space.canonical(arch) == arch);
    std::map<std::string, std::set<std::string>> values;
    for (std::size_t d = 0; d < arch.genes.size(); ++d) {
      if (!space.is_active(arch, static_cast<int>(d))) continue;
      const spaces::Decision& decision = space.decisions()[d];
      const std::string ending = decision.name.substr(decision.name.rfind('.') + 1);
      values[ending].insert(text(decision.choices[arch.genes[d]]));
    }
    for (const auto& [ending, all] : values) {
      INFO(ending);
      CHECK(all.size() == 1);
    }
  }
  const auto macro =
      spaces::SearchSpace::load(spaces::parse_space_name("nas-bench-macro"), "configs");
  CHECK(uniform_networks(macro).value().size() == 3);
}

TEST_CASE("a first population holds the asked share of uniform networks, all feasible",
          "[search]") {
  const auto space = tiny_space();
  const Reach reach = toy_feasibility(space).reach()[0];
  const Feasibility feasibility = toy_feasibility(space, (reach.least + reach.most) / 3);
  const std::set<Architecture> uniform = uniform_of(space);
  std::size_t feasible = 0;
  double nearest = 0;
  for (const Architecture& arch : uniform) {
    if (const auto proposal = feasibility.check(arch)) {
      ++feasible;
      nearest = std::max(nearest, proposal->costs[0]);
    }
  }
  REQUIRE(feasible > 20);
  REQUIRE(feasible < uniform.size());
  const std::vector<Proposal> half = first_of(feasibility, 32, 0.5);
  REQUIRE(half.size() == 32);
  // 16 asked for; the smallest network is uniform too and is there anyway.
  CHECK(count_in(half, uniform) == 16);
  double slowest = 0;
  for (const Proposal& proposal : half) {
    CHECK(feasibility.check(proposal.arch).has_value());
    if (uniform.count(proposal.arch) > 0) slowest = std::max(slowest, proposal.costs[0]);
  }
  CHECK(slowest == nearest);
  CHECK(count_in(first_of(feasibility, 32, 0), uniform) == 1);
  const std::vector<Proposal> all = first_of(feasibility, 100, 1);
  CHECK(all.size() == 100);
  CHECK(count_in(all, uniform) == static_cast<int>(feasible));
}

TEST_CASE("a first population is never larger than asked, nor larger than what is feasible",
          "[search]") {
  CHECK(first_of(toy_feasibility(tiny_space()), 2, 1).size() == 2);
  const auto fixed = spaces::SearchSpace::load(
      spaces::parse_space_name("mobilenet-v2:width=1,resolution=224"), "configs");
  CHECK(first_of(toy_feasibility(fixed), 16, 0.5).size() == 1);
}
