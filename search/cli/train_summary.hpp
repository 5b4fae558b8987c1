#pragma once

#include "search/cli/line_chart.hpp"
#include "search/cli/options.hpp"
#include "search/cli/search_summary.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace lathe::cli {

/// How a training run went: the one source of its screen and its page.
struct TrainSummary {
  std::string headline;                ///< "tiny: 3 phases, 40 epochs, run complete"
  std::map<std::string, double> last;  ///< last accuracy of each probe, a fraction
  TextTable phases;                    ///< last judgement of each probe at the end of each phase
  std::vector<Series> accuracy;        ///< per probe, over training steps
  Series loss;                         ///< over training steps
  std::vector<std::pair<double, std::string>> phase_starts;  ///< step that each phase begins after
};

/// Reads metrics.csv, config.json and the manifest of a train run. FormatError.
TrainSummary summarise_train(const std::filesystem::path& folder);

/// The last screen of a training run: where each probe ended, phase by phase, or one line of JSON.
void print_train_summary(const General& general, const std::filesystem::path& folder);

}  // namespace lathe::cli
