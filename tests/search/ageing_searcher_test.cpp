#include "search/ageing_searcher.hpp"

#include "search/random_searcher.hpp"
#include "tests/search/toy.hpp"
#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>

#include <cmath>
#include <set>

using namespace lathe;
using namespace lathe::search;
using namespace lathe::test;
using spaces::Architecture;

namespace {

const std::vector<std::string> kError{"error"};

/// Only the error counts, under a bound of the latency.
Feasibility bounded(const spaces::SearchSpace& space, double latency_ms) {
  return Feasibility(space, kError, {{"latency", latency_ms}}, formula_models(), {});
}

std::vector<Evaluated> evaluated(std::vector<Proposal> proposals) {
  std::vector<Evaluated> results;
  for (Proposal& proposal : proposals) {
    Scores scores{formula_error(proposal.net)};
    results.push_back({std::move(proposal), std::move(scores)});
  }
  return results;
}

/// Evaluations until a network with that error was seen; `most` if none was.
int evaluations_to(Searcher& searcher, double error, int most) {
  int done = 0;
  while (done < most) {
    std::vector<Evaluated> results = evaluated(searcher.ask());
    if (results.empty()) return most;
    for (const Evaluated& result : results) {
      ++done;
      if (std::get<Scores>(result.scores)[0] <= error) return done;
    }
    searcher.tell(results);
  }
  return most;
}

/// `count` different networks of tiny with these errors, as results.
std::vector<Evaluated> made_up(const Feasibility& feasibility, const std::vector<double>& errors) {
  std::vector<Evaluated> results;
  Architecture arch = first_genotype(feasibility.space());
  for (const double error : errors) {
    results.push_back({feasibility.propose(arch), Scores{error}});
    arch = *next_genotype(feasibility.space(), arch);
  }
  return results;
}

std::size_t differences(const Architecture& a, const Architecture& b) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < a.genes.size(); ++i) count += a.genes[i] != b.genes[i];
  return count;
}

}  // namespace

TEST_CASE("ageing evolution finds the best network of an enumerated space, random search later",
          "[search][golden]") {
  const auto space = toy_space();
  const Reach reach = toy_feasibility(space).reach()[0];
  const Feasibility feasibility = bounded(space, (reach.least + reach.most) / 2);
  double best = 1;
  int feasible = 0;
  for (std::optional<Architecture> arch = first_genotype(space); arch;
       arch = next_genotype(space, *arch)) {
    if (const auto proposal = feasibility.check(*arch)) {
      best = std::min(best, formula_error(proposal->net));
      ++feasible;
    }
  }
  REQUIRE(feasible > 2000);
  int of_ageing = 0, of_random = 0;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    AgeingSearcher ageing(feasibility, {}, kError, Rng(seed));
    RandomSearcher random(feasibility, {}, Rng(seed));
    const int here = evaluations_to(ageing, best, feasible);
    INFO("seed " << seed << ": " << here << " of " << feasible);
    CHECK(here < 1100);
    of_ageing += here;
    of_random += evaluations_to(random, best, feasible);
  }
  INFO("ageing " << of_ageing << ", random " << of_random);
  CHECK(2 * of_ageing < of_random);
}

TEST_CASE("the oldest die, the best of them too, and failures never live", "[search]") {
  const Feasibility feasibility = bounded(tiny_space(), 1e9);
  AgeingConfig config;
  config.population = 4;
  config.sample = 2;
  config.batch = 2;
  AgeingSearcher searcher(feasibility, config, kError, Rng(1));
  std::vector<Evaluated> results = made_up(feasibility, {0.1, 0.5, 0.4, 0.3, 0.6, 0.7});
  results[4].scores = Failure{"broken"};
  searcher.tell({results.begin(), results.begin() + 4});
  CHECK(searcher.population().front().loss == 0.1);
  searcher.tell({results.begin() + 4, results.end()});
  REQUIRE(searcher.population().size() == 4);
  std::vector<double> losses;
  for (const auto& member : searcher.population()) losses.push_back(member.loss);
  CHECK(losses == std::vector<double>{0.5, 0.4, 0.3, 0.7});
}

TEST_CASE("a child is its parent with one decision changed, the parent the best of the sample",
          "[search][property]") {
  const auto space = tiny_space();
  const Feasibility feasibility = bounded(space, 1e9);
  AgeingConfig config;
  config.population = 64;
  config.sample = 64;  // one third of all samples lack the best: the next best ones are parents
  config.batch = 64;
  config.uniform_share = 0;
  config.mutate_probability = 0;
  AgeingSearcher searcher(feasibility, config, kError, Rng(3));
  std::vector<Evaluated> first = evaluated(searcher.ask());
  REQUIRE(first.size() == 64);
  std::sort(first.begin(), first.end(), [](const Evaluated& a, const Evaluated& b) {
    return std::get<Scores>(a.scores) < std::get<Scores>(b.scores);
  });
  searcher.tell(first);
  int from_best = 0;
  for (const Proposal& child : searcher.ask()) {
    const auto is_child_of = [&](const Evaluated& parent) {
      const Architecture& p = parent.proposal.arch;
      std::size_t shared_active = 0;
      for (std::size_t d = 0; d < p.genes.size(); ++d) {
        const bool both = space.is_active(p, static_cast<int>(d)) &&
                          space.is_active(child.arch, static_cast<int>(d));
        shared_active += both && p.genes[d] != child.arch.genes[d];
      }
      return shared_active == 1;
    };
    from_best += is_child_of(first[0]);
    CHECK(std::any_of(first.begin(), first.begin() + 12, is_child_of));
    CHECK(space.canonical(child.arch) == child.arch);
  }
  CHECK(from_best > 20);
}

TEST_CASE("a network that was evaluated before is born again and not proposed", "[search]") {
  const auto space = tiny_space();
  const Feasibility feasibility = bounded(space, 1e9);
  AgeingConfig config;
  config.population = 3;
  config.sample = 3;
  config.batch = 1;
  config.mutate_probability = 0;
  config.uniform_share = 0;
  AgeingSearcher searcher(feasibility, config, kError, Rng(1));
  std::set<Architecture> proposed, dead;
  int born_again = 0;
  for (int round = 0; round < 100; ++round) {
    std::vector<Evaluated> results = evaluated(searcher.ask());
    for (const Evaluated& result : results) CHECK(proposed.insert(result.proposal.arch).second);
    searcher.tell(results);
    std::set<Architecture> alive;
    for (const auto& member : searcher.population()) alive.insert(member.arch);
    for (const Architecture& arch : proposed) {
      if (alive.count(arch) == 0) dead.insert(arch);
    }
    for (const Architecture& arch : alive) born_again += static_cast<int>(dead.erase(arch));
  }
  INFO(born_again);
  CHECK(born_again > 0);
}

TEST_CASE("decisions that a change makes active are drawn, not left at their first choice",
          "[search]") {
  const auto space = tiny_space();
  const Feasibility feasibility = bounded(space, 1e9);
  AgeingConfig config;
  config.population = 64;
  config.sample = 1;
  config.batch = 64;
  AgeingSearcher searcher(feasibility, config, kError, Rng(3));
  searcher.tell({{feasibility.propose(space.smallest()), Scores{0.5}}});
  std::size_t more = 0;
  for (int round = 0; round < 2; ++round) {
    const std::vector<Proposal> children = searcher.ask();
    for (const Proposal& child : children) {
      more += differences(child.arch, space.canonical(space.smallest())) > 1;
    }
    searcher.tell({});
  }
  CHECK(more > 8);
}

TEST_CASE("several objectives are weighed by MnasNet's product", "[search][golden]") {
  const Feasibility feasibility = toy_feasibility(toy_space());
  AgeingConfig config;
  config.exponents = {{"latency", 0.07}};
  const AgeingSearcher searcher(feasibility, config, {"latency", "error"}, Rng(1));
  // 0.9 * 2^-0.07 = 0.857374, which at 1 ms is an error of 0.142626.
  CHECK(std::exp(-searcher.loss({2.0, 0.1})) == Approx(0.857374).epsilon(1e-6));
  CHECK(searcher.loss({2.0, 0.1}) == Approx(searcher.loss({1.0, 0.142626})).epsilon(1e-5));
  CHECK(searcher.loss({1.9, 0.1}) < searcher.loss({2.0, 0.1}));
  CHECK(searcher.loss({1.0, 1.0}) == std::numeric_limits<double>::infinity());
  config.exponents = {{"latency", 0.0}};
  const AgeingSearcher free(feasibility, config, {"latency", "error"}, Rng(1));
  CHECK(free.loss({2.0, 0.1}) == Approx(free.loss({1.0, 0.1})));
}
