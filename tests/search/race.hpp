#pragma once

#include "search/feasibility.hpp"
#include "search/pareto_front.hpp"
#include "search/searcher.hpp"
#include "search/tabular_evaluator.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace lathe::test {

/// NAS-Bench-Macro's sample of real trainings, where it is mounted (LATHE_SHARED_DATA, else
/// ../shared/data).
inline std::filesystem::path macro_table() {
  const char* folder = std::getenv("LATHE_SHARED_DATA");
  return std::filesystem::path(folder == nullptr ? "../shared/data" : folder) / "nas_bench_macro" /
         "sample.json";
}

/// Only networks of the table; the same network under several codes counts once. Error and MACs
/// are the objectives, `most_macs` a bound if above 0.
inline search::Feasibility tabular_feasibility(const spaces::SearchSpace& space,
                                               const search::TabularEvaluator& table,
                                               double most_macs = 0) {
  search::Feasibility::Options options;
  options.admits = [&table](const spaces::Architecture& arch) { return table.contains(arch); };
  options.identity = search::Feasibility::Identity::function;
  std::vector<search::Constraint> constraints;
  if (most_macs > 0) constraints.push_back({"macs", most_macs});
  return search::Feasibility(space, {"error", "macs"}, constraints, {}, options);
}

/// Error and MACs of one network, as the table and the space have them.
inline search::Scores tabular_scores(search::TabularEvaluator& table,
                                     const search::Proposal& proposal) {
  return {std::get<std::vector<double>>(table.evaluate({proposal}).at(0)).at(0),
          proposal.costs.at(0)};
}

/// What is true of all feasible networks of a table, by visiting each once.
struct Truth {
  std::vector<double> errors;  ///< of every network, ascending
  search::ParetoFront front;
  search::Scores reference;  ///< error 1 and 1.1 times the most MACs
};

inline Truth truth_of(const search::Feasibility& feasibility, search::TabularEvaluator& table) {
  Truth truth;
  std::set<std::uint64_t> seen;
  double most = 0;
  for (std::optional<spaces::Architecture> arch = search::first_genotype(feasibility.space()); arch;
       arch = search::next_genotype(feasibility.space(), *arch)) {
    const auto proposal = feasibility.check(*arch);
    if (!proposal || !seen.insert(proposal->identity).second) continue;
    const search::Scores scores = tabular_scores(table, *proposal);
    truth.errors.push_back(scores[0]);
    truth.front.insert({static_cast<int>(truth.errors.size()), scores});
    most = std::max(most, scores[1]);
  }
  std::sort(truth.errors.begin(), truth.errors.end());
  truth.reference = {1, 1.1 * most};
  return truth;
}

/// How a searcher fares until it has nothing left to propose.
struct Raced {
  int evaluations = 0;          ///< in all
  int to_top = 0;               ///< evaluations until one of the best 1 % by error was seen
  int to_best = 0;              ///< evaluations until the lowest error was seen
  int to_front = 0;             ///< until every point of the true front was
  double hypervolume_100 = 0;   ///< share of the true front's after 100 evaluations
  int rank_100 = 0;             ///< of the lowest error so far, 1 the best, after 100 evaluations
  std::set<std::uint64_t> ids;  ///< of the networks
};

inline Raced race(search::Searcher& searcher, search::TabularEvaluator& table, const Truth& truth) {
  Raced raced;
  search::ParetoFront front;
  double least = 1;
  const double top = truth.errors[truth.errors.size() / 100];
  std::set<search::Scores> missing;
  for (const auto& point : truth.front.points()) missing.insert(point.scores);
  const double whole = truth.front.hypervolume(truth.reference);
  for (auto proposals = searcher.ask(); !proposals.empty(); proposals = searcher.ask()) {
    std::vector<search::Evaluated> results;
    for (search::Proposal& proposal : proposals) {
      const search::Scores scores = tabular_scores(table, proposal);
      ++raced.evaluations;
      raced.ids.insert(proposal.identity);
      front.insert({raced.evaluations, scores});
      least = std::min(least, scores[0]);
      if (raced.to_top == 0 && least <= top) raced.to_top = raced.evaluations;
      if (raced.to_best == 0 && least == truth.errors.front()) raced.to_best = raced.evaluations;
      if (missing.erase(scores) > 0 && missing.empty()) raced.to_front = raced.evaluations;
      if (raced.evaluations == 100) {
        raced.hypervolume_100 = front.hypervolume(truth.reference) / whole;
        raced.rank_100 =
            1 + static_cast<int>(std::lower_bound(truth.errors.begin(), truth.errors.end(), least) -
                                 truth.errors.begin());
      }
      results.push_back({std::move(proposal), scores});
    }
    searcher.tell(results);
  }
  return raced;
}

}  // namespace lathe::test
