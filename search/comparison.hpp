#pragma once

#include "search/accuracy.hpp"
#include "search/feasibility.hpp"
#include "search/prove.hpp"
#include "spaces/base/config_reader.hpp"

#include <nlohmann/json_fwd.hpp>

#include <functional>
#include <string>
#include <vector>

namespace lathe::search {

/// How hand-made networks are picked.
struct ComparisonOptions {
  int networks = 12;               ///< measured, at most
  double predicted_within = 0.15;  ///< of the chosen network's predicted latency, a fraction
  double measured_within = 0.10;   ///< of its measured latency
  void read(ConfigReader& reader);
};

/// 95 % confidence interval of accuracy(a) - accuracy(b) over the same images: Newcombe's method 10
/// for paired proportions (Statistics in Medicine 17, 2635-2650, 1998; Wilson intervals of both,
/// joined with their correlation). Symmetric in that swapping a and b changes the signs.
struct PairedDifference {
  double difference = 0, low = 0, high = 0;  ///< fractions, -1 to 1
  int images = 0;
  int only_a = 0, only_b = 0;  ///< images that only one of them classifies correctly
};
/// LogicError unless both have the same positive number of images.
PairedDifference paired_difference(const std::vector<std::uint8_t>& correct_a,
                                   const std::vector<std::uint8_t>& correct_b);

/// Accuracies on the test split, in order, of the same images.
using TestAccuracies =
    std::function<std::vector<Accuracy>(const std::vector<spaces::NetworkSpec>&)>;

/// Compares `chosen` with hand-made networks as fast as it on every device: those within
/// `predicted_within` of its predictions (the closest ones first), measured together with it, kept
/// within `measured_within` of its measured latency (each by the device's own table and clock).
/// Returns the contents of comparison.json (docs/file-formats/run-directory.md); "none" of the
/// networks may be left, which it says. LogicError without a device or a device's prediction.
nlohmann::json compare_with_uniform(const Feasibility& feasibility, const Proposal& chosen,
                                    const std::vector<ProofDevice>& devices,
                                    const TestAccuracies& test, const ComparisonOptions& options);

}  // namespace lathe::search
