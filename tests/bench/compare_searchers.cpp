// How many evaluations each searcher needs on a table of results, of which the truth is known:
//   compare_searchers TABLE [SEEDS]
// TABLE is of NAS-Bench-Macro's space. Run from the root of the source tree. Prints a Markdown
// table, medians over seeds 1 to SEEDS (20 if not said).

#include "latency/statistics.hpp"
#include "search/ageing_searcher.hpp"
#include "search/evolution_searcher.hpp"
#include "search/random_searcher.hpp"
#include "spaces/base/error.hpp"
#include "tests/search/race.hpp"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>

namespace {

using namespace lathe;
using namespace lathe::search;
using test::Raced;
using test::Truth;

using Make = std::function<std::unique_ptr<Searcher>(const Feasibility&, const Rng&)>;

struct Contender {
  std::string name;
  Make make;
};

std::vector<Contender> contenders() {
  EvolutionConfig evolution;
  evolution.population = 20;
  AgeingConfig ageing;
  ageing.population = 20;
  ageing.sample = 5;
  ageing.batch = 4;
  const std::vector<std::string> objectives{"error", "macs"};
  const auto aged = [ageing, objectives](double exponent) {
    return [ageing, objectives, exponent](const Feasibility& feasibility, const Rng& rng) {
      AgeingConfig config = ageing;
      config.exponents = {{"macs", exponent}};
      return std::make_unique<AgeingSearcher>(feasibility, config, objectives, rng);
    };
  };
  return {{"random",
           [](const Feasibility& feasibility, const Rng& rng) {
             return std::make_unique<RandomSearcher>(feasibility, RandomConfig{}, rng);
           }},
          {"evolution",
           [evolution](const Feasibility& feasibility, const Rng& rng) {
             return std::make_unique<EvolutionSearcher>(feasibility, evolution, rng);
           }},
          {"ageing, error alone", aged(0)},
          {"ageing, macs 0.07", aged(0.07)}};
}

std::string median_and_range(const std::vector<double>& values) {
  char text[64];
  std::snprintf(text, sizeof text, "%.0f (%.0f-%.0f)", latency::median(values),
                latency::quantile(values, 0), latency::quantile(values, 1));
  return text;
}

void print_row(const std::string& name, const std::vector<Raced>& races) {
  const auto all = [&](auto member) {
    std::vector<double> values;
    for (const Raced& raced : races) values.push_back(static_cast<double>(raced.*member));
    return values;
  };
  std::printf("| %s | %s | %s | %s | %s | %.4f |\n", name.c_str(),
              median_and_range(all(&Raced::to_top)).c_str(),
              median_and_range(all(&Raced::to_best)).c_str(),
              median_and_range(all(&Raced::to_front)).c_str(),
              median_and_range(all(&Raced::rank_100)).c_str(),
              latency::median(all(&Raced::hypervolume_100)));
  std::fflush(stdout);
}

void compare(TabularEvaluator& table, const spaces::SearchSpace& space, double most_macs,
             std::uint64_t seeds) {
  const Feasibility feasibility = test::tabular_feasibility(space, table, most_macs);
  const Truth truth = test::truth_of(feasibility, table);
  std::printf(
      "\n%zu networks%s, %zu on the front, lowest error %.4f; %llu seeds, median (range).\n\n",
      truth.errors.size(),
      most_macs > 0 ? (" of at most " + std::to_string(std::llround(most_macs))).c_str() : "",
      truth.front.points().size(), truth.errors.front(), static_cast<unsigned long long>(seeds));
  std::printf(
      "| searcher | to the best 1 %% | to the best | to the whole front | rank after 100 | "
      "hypervolume after 100 |\n|---|---|---|---|---|---|\n");
  for (const Contender& contender : contenders()) {
    std::vector<Raced> races;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
      const auto searcher = contender.make(feasibility, Rng(seed));
      races.push_back(test::race(*searcher, table, truth));
    }
    print_row(contender.name, races);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int seeds = argc > 2 ? std::atoi(argv[2]) : 20;
  if (argc < 2 || argc > 3 || seeds < 1) {
    std::fprintf(stderr, "compare_searchers TABLE [SEEDS]: SEEDS a whole number above 0\n");
    return 2;
  }
  try {
    const auto space =
        spaces::SearchSpace::load(spaces::parse_space_name("nas-bench-macro"), "configs");
    TabularEvaluator table = TabularEvaluator::load(argv[1], space);
    compare(table, space, 0, static_cast<std::uint64_t>(seeds));
    compare(table, space, 50e6, static_cast<std::uint64_t>(seeds));
    return 0;
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return static_cast<int>(error.exit_code());
  }
}
