#pragma once

#include "latency/latency_table.hpp"
#include "latency/measurement_log.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace lathe::latency {

/// What the item failed of, the last time, if it did.
std::optional<Failure> last_failure(const LogSection& section, std::size_t item);

/// An item's samples of all rounds as numbers, or why there are none: a failure, or rounds that are
/// missing.
std::variant<NetworkMeasurement, Failure> summarise(const LogSection& section, std::size_t item);

/// Lag-1 autocorrelation of log(sample's statistic / its item's) in the order of measuring.
double residual_autocorrelation(const LogSection& section);

/// The table that the sections give: blocks of all of them, origin and scale of the first.
/// `samples`: the log's file name. FormatError naming `where` if sections are of different devices
/// or protocols.
LatencyTable summarise_table(const std::vector<LogSection>& sections, const std::string& samples,
                             const std::string& where);

/// Puts the section's blocks and failures into the table.
void add_blocks(LatencyTable& table, const LogSection& section);

}  // namespace lathe::latency
