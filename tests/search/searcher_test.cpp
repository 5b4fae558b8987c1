#include "search/ageing_searcher.hpp"
#include "search/evolution_searcher.hpp"
#include "search/pareto_front.hpp"
#include "search/random_searcher.hpp"
#include "search/registry.hpp"
#include "tests/search/local_searcher.hpp"
#include "tests/search/toy.hpp"
#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>

#include <set>
#include <sstream>

using namespace lathe;
using namespace lathe::search;
using namespace lathe::test;
using spaces::Architecture;

namespace {

const std::vector<std::string> kKinds{"random", "evolution", "ageing", "local"};
const std::vector<std::string> kObjectives{"error", "latency"};

Scores scores_of(const Proposal& proposal) {
  return {formula_error(proposal.net), proposal.costs[0]};
}

std::vector<Evaluated> evaluated(std::vector<Proposal> proposals) {
  std::vector<Evaluated> results;
  for (Proposal& proposal : proposals) {
    Scores scores = scores_of(proposal);
    results.push_back({std::move(proposal), std::move(scores)});
  }
  return results;
}

/// Share of the true front's hypervolume after `evaluations`, and of its points.
struct Found {
  double hypervolume = 0, points = 0;
};

Found run(Searcher& searcher, const ParetoFront& truth, const Scores& reference, int evaluations) {
  ParetoFront front;
  int done = 0;
  while (done < evaluations) {
    std::vector<Proposal> proposals = searcher.ask();
    REQUIRE_FALSE(proposals.empty());
    proposals.resize(std::min(proposals.size(), static_cast<std::size_t>(evaluations - done)));
    const std::vector<Evaluated> results = evaluated(std::move(proposals));
    for (const Evaluated& result : results) {
      front.insert({done++, std::get<Scores>(result.scores)});
    }
    searcher.tell(results);
  }
  int hits = 0;
  for (const FrontPoint& point : truth.points()) {
    for (const FrontPoint& other : front.points()) hits += other.scores == point.scores;
  }
  return {front.hypervolume(reference) / truth.hypervolume(reference),
          double(hits) / double(truth.points().size())};
}

/// All genotypes asked for, in order, until the searcher has none left.
std::vector<Architecture> drain(Searcher& searcher) {
  std::vector<Architecture> all;
  while (true) {
    std::vector<Proposal> proposals = searcher.ask();
    if (proposals.empty()) return all;
    for (const Proposal& proposal : proposals) all.push_back(proposal.arch);
    searcher.tell(evaluated(std::move(proposals)));
  }
}

std::unique_ptr<Searcher> make(const std::string& kind, const Feasibility& feasibility,
                               std::uint64_t seed) {
  if (kind == "random") {
    return std::make_unique<RandomSearcher>(feasibility, RandomConfig{}, Rng(seed));
  }
  if (kind == "local") {
    return std::make_unique<LocalSearcher>(feasibility, LocalConfig{}, Rng(seed));
  }
  if (kind == "ageing") {
    AgeingConfig config;
    config.population = 32;
    config.sample = 8;
    config.exponents = {{"latency", 0.07}};
    return std::make_unique<AgeingSearcher>(feasibility, config, kObjectives, Rng(seed));
  }
  EvolutionConfig config;
  config.population = 32;
  return std::make_unique<EvolutionSearcher>(feasibility, config, Rng(seed));
}

}  // namespace

TEST_CASE("evolution finds the known front of an enumerated space, random search less",
          "[search][golden]") {
  const auto space = toy_space();
  const Feasibility feasibility = toy_feasibility(space);
  ParetoFront truth;
  int index = 0;
  for (std::optional<Architecture> arch = first_genotype(space); arch;
       arch = next_genotype(space, *arch)) {
    truth.insert({index++, scores_of(feasibility.propose(*arch))});
  }
  INFO("points of the true front: " << truth.points().size());
  REQUIRE(truth.points().size() > 30);
  const Scores reference{1.0, 1.1 * feasibility.reach()[0].most};
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    const Found evolution = run(*make("evolution", feasibility, seed), truth, reference, 1000);
    const Found random = run(*make("random", feasibility, seed), truth, reference, 1000);
    INFO("seed " << seed << ": evolution has " << evolution.points << " of the points and "
                 << evolution.hypervolume << " of the hypervolume, random " << random.points
                 << " and " << random.hypervolume);
    CHECK(evolution.hypervolume > 0.999);
    CHECK(evolution.points > 0.5);
    CHECK(random.hypervolume < evolution.hypervolume);
    CHECK(random.points < evolution.points);
  }
}

TEST_CASE("a searcher proposes feasible networks, each once, until none is left",
          "[search][property]") {
  const auto space = toy_space();
  const Reach reach = toy_feasibility(space).reach()[0];
  const double bound = reach.least + 0.15 * (reach.most - reach.least);
  const Feasibility feasibility = toy_feasibility(space, bound);
  std::set<Architecture> feasible;
  for (std::optional<Architecture> arch = first_genotype(space); arch;
       arch = next_genotype(space, *arch)) {
    if (feasibility.check(*arch)) feasible.insert(*arch);
  }
  REQUIRE(feasible.size() > 50);
  REQUIRE(feasible.size() < 2000);
  for (const std::string& kind : kKinds) {
    const std::unique_ptr<Searcher> searcher = make(kind, feasibility, 4);
    const std::vector<Architecture> all = drain(*searcher);
    INFO(kind);
    CHECK(std::set<Architecture>(all.begin(), all.end()) == feasible);
    CHECK(all.size() == feasible.size());
    CHECK(searcher->ask().empty());
  }
}

TEST_CASE("a budget that hardly anything meets ends in bounded tries", "[search]") {
  const auto space = tiny_space();
  const Reach reach = toy_feasibility(space).reach()[0];
  const Feasibility feasibility = toy_feasibility(space, reach.least * 1.05);
  for (const std::string& kind : kKinds) {
    const std::unique_ptr<Searcher> searcher = make(kind, feasibility, 4);
    const std::vector<Architecture> all = drain(*searcher);
    INFO(kind << " found " << all.size());
    CHECK(all.size() >= 2);
    for (const Architecture& arch : all) CHECK(feasibility.check(arch).has_value());
  }
}

TEST_CASE("a searcher goes on from its state as if it had not stopped", "[search]") {
  const auto space = tiny_space();
  const Feasibility feasibility =
      toy_feasibility(space, 0.9 * toy_feasibility(space).reach()[0].most);
  for (const std::string& kind : kKinds) {
    const std::unique_ptr<Searcher> first = make(kind, feasibility, 7);
    for (int i = 0; i < 3; ++i) first->tell(evaluated(first->ask()));
    const std::unique_ptr<Searcher> second = make(kind, feasibility, 7);
    ConfigReader::read(nlohmann::json::parse(first->state().dump()), "state.json", Strictness::data,
                       [&](ConfigReader& state) { second->restore(state); });
    CHECK(second->state() == first->state());
    for (int i = 0; i < 3; ++i) {
      std::vector<Proposal> a = first->ask(), b = second->ask();
      INFO(kind << ", round " << i);
      REQUIRE(a.size() == b.size());
      for (std::size_t j = 0; j < a.size(); ++j) CHECK(a[j].arch == b[j].arch);
      first->tell(evaluated(std::move(a)));
      second->tell(evaluated(std::move(b)));
    }
  }
}

TEST_CASE("the seed decides what is proposed", "[search]") {
  const Feasibility feasibility = toy_feasibility(tiny_space());
  for (const std::string& kind : kKinds) {
    const auto a = make(kind, feasibility, 1)->ask(), b = make(kind, feasibility, 1)->ask(),
               c = make(kind, feasibility, 2)->ask();
    REQUIRE(a.size() == b.size());
    bool same = true, differs = false;
    for (std::size_t i = 0; i < a.size(); ++i) {
      same = same && a[i].arch == b[i].arch;
      differs = differs || a[i].arch != c[i].arch;
    }
    CHECK(same);
    CHECK(differs);
  }
}

TEST_CASE("failed networks leave no trace in the population", "[search]") {
  const Feasibility feasibility = toy_feasibility(tiny_space());
  EvolutionConfig config;
  config.population = 8;
  EvolutionSearcher searcher(feasibility, config, Rng(1));
  std::vector<Evaluated> results = evaluated(searcher.ask());
  for (std::size_t i = 0; i < results.size(); i += 2) results[i].scores = Failure{"broken"};
  searcher.tell(results);
  CHECK(searcher.population().size() == 4);
  CHECK(searcher.ask().size() == 8);
  for (std::size_t i = 0; i < results.size(); ++i) results[i].scores = Failure{"broken"};
  EvolutionSearcher unlucky(feasibility, config, Rng(1));
  std::vector<Evaluated> failed = evaluated(unlucky.ask());
  for (Evaluated& result : failed) result.scores = Failure{"broken"};
  unlucky.tell(failed);
  CHECK(unlucky.ask().size() == 8);
}

TEST_CASE("networks that compute the same are proposed once where only that counts", "[search]") {
  const auto space =
      spaces::SearchSpace::load(spaces::parse_space_name("nas-bench-macro"), "configs");
  Feasibility::Options options;
  options.identity = Feasibility::Identity::function;
  const Feasibility feasibility(space, {"error", "macs"}, {}, {}, options);
  const std::unique_ptr<Searcher> searcher = make("random", feasibility, 1);
  CHECK(std::to_string(drain(*searcher).size()) == space.networks().value());
}

TEST_CASE("docs/add-a-searcher.md shows the searcher that is tested here", "[search][golden]") {
  const std::string page = read_file("docs/add-a-searcher.md");
  for (const char* name : {"tests/search/local_searcher.hpp", "tests/search/local_searcher.cpp"}) {
    std::istringstream lines(read_file(name));
    std::string shown;
    for (std::string line; std::getline(lines, line);) {
      const std::string own = "\"tests/search/local_searcher.hpp\"";
      if (const auto at = line.find(own); at != std::string::npos) {
        line.replace(at, own.size(), "\"search/local_searcher.hpp\"");
      }
      shown += (line.empty() ? "" : "   " + line) + "\n";
    }
    INFO(name);
    CHECK(page.find(shown) != std::string::npos);
  }
}
