#pragma once

#include "latency/device.hpp"
#include "latency/latency_table.hpp"
#include "latency/plan.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

namespace lathe::latency {

struct MeasureOptions {
  Protocol protocol;
  std::uint64_t seed = 0;  ///< of order, weights and inputs
  std::string name;        ///< of the table; empty: the device's
  /// The log of raw samples, TABLE.samples.jsonl beside a table; empty: none is kept (not for
  /// tables).
  std::filesystem::path samples;
  bool resume = false;       ///< go on with the log, which must be of the same measuring
  bool allow_debug = false;  ///< a Debug build's numbers may become a table
};

/// TABLE.samples.jsonl.
std::filesystem::path samples_file_of(const std::filesystem::path& table);

/// Measures the plan, appending each sample to the log as it comes, and summarises the log. A
/// failed item is in the table's `failures` (a block) or left out (a network), and a warning event
/// tells it. Throws ConfigError if the log is there already (without resume) or the build is Debug,
/// FormatError naming the difference if the log is of another measuring, what Device::measure
/// throws otherwise.
LatencyTable measure_table(const Plan& plan, Device& device, const MeasureOptions& options,
                           EventSink& events);

/// Measures the plan's blocks, with the table's protocol, into a copy of the table; the log gets a
/// section of its own. Scale and networks stay the table's. Throws DeviceError where the device or
/// engine is not the table's.
LatencyTable measure_missing(const LatencyTable& table, const Plan& plan, Device& device,
                             const MeasureOptions& options, EventSink& events);

/// The table that a log's samples give: what measure_table returned. FormatError for a log that is
/// not ours or whose measuring did not come to its end.
LatencyTable rebuild_table(const std::filesystem::path& samples);

/// Measures whole networks, in the items' order; a budget is proved on Entry::median of these.
std::vector<std::variant<NetworkMeasurement, Failure>> measure_networks(
    const std::vector<Item>& networks, Device& device, const MeasureOptions& options,
    EventSink& events);

/// measure_networks' answers as a measurements file's content; failures are left out.
Measurements measurements_of(const std::vector<std::variant<NetworkMeasurement, Failure>>& networks,
                             Device& device, const MeasureOptions& options);

}  // namespace lathe::latency
