#pragma once

#include "search/evaluator.hpp"
#include "search/feasibility.hpp"
#include "search/pareto_front.hpp"
#include "search/searcher.hpp"
#include "spaces/base/event.hpp"
#include "spaces/base/units.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace lathe::search {

/// What the loop is given; all references outlive it.
struct SearchSetup {
  const Feasibility& feasibility;
  Searcher& searcher;
  Evaluator& evaluator;
  /// Each one either supplied by the evaluator or among feasibility's costs.
  std::vector<std::string> objectives;
  int evaluations = 1000;  ///< networks evaluated, at most; failures count
  Micros time{0};          ///< wall time of all parts of the run, checked between chunks; 0: any
  /// Networks handed to the evaluator at once: after each chunk the results are on disk.
  int chunk = 1;
  /// Least wall time between two saves, so that a fast search does not spend its time on writing.
  Micros save_every{1e6};
};

struct SearchResult {
  std::vector<Evaluated> evaluated;  ///< in order of evaluation
  ParetoFront front;                 ///< over all that did not fail
  Scores ideal, reference;           ///< of the hypervolume, fixed before the first evaluation
  double hypervolume = 0;            ///< share of the box from ideal to reference, 0 to 1
  std::string stopped;               ///< "evaluations", "time" or "exhausted"
};

/// ask, evaluate, tell, record, until a stop rule says so. Files in `folder` (docs/file-formats/
/// run-directory.md): evaluated.jsonl (a line per network, as results come), and every second
/// between rounds, and at the end, history.csv, timing.csv, front.json and state.json. Goes on from
/// what is there: then the files end with the same bytes as those of an uninterrupted run,
/// timing.csv and state.json but for times. A score that is not finite becomes that network's
/// failure. Throws ConfigError if state.json is of another setup, FormatError if the files do not
/// fit together, Interrupted once `events` asks to stop.
SearchResult run_search(const SearchSetup& setup, const std::filesystem::path& folder,
                        EventSink& events);

}  // namespace lathe::search
