#pragma once

#include "latency/protocol.hpp"
#include "spaces/base/error.hpp"
#include "spaces/base/units.hpp"
#include "spaces/network.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

// What travels between the host and the program on the device, and stands in measurement logs:
// docs/file-formats/measurement-log.md.

namespace lathe::latency {

/// What identifies a device and engine; compared, not its display name, where a table meets a
/// device.
struct DeviceInfo {
  std::string name;            ///< "local", "adb:SERIAL"
  std::string model;           ///< CPU or phone model, as the system tells; "unknown"
  std::string system;          ///< "Linux 6.18 x86_64"
  std::string engine;          ///< "xnnpack", "reference"
  std::string engine_version;  ///< as its package says; "unknown"
  int processors = 0;
};
nlohmann::json to_json(const DeviceInfo& info);
DeviceInfo device_info_from_json(const nlohmann::json& value, const std::string& where);
/// The first of model, engine and engine version that differs, with both values, or nullopt: what
/// makes two measurements incomparable.
std::optional<std::string> difference(const DeviceInfo& found, const DeviceInfo& wanted);

/// Frequency and temperature where the system tells; "unknown" in JSON where it does not.
struct ClockState {
  std::optional<double> frequency_mhz;  ///< of the first core used
  std::optional<double> temperature_c;  ///< hottest zone
};

/// One thing to time. `net` of one block is a block alone: then its name is item_name's.
struct Item {
  std::string name;  ///< item_name of a block alone, or the network's text: unique within a job
  spaces::NetworkSpec net;
};
/// The block's key, with its precision behind it if that is not fp32.
std::string item_name(const spaces::Placed& block);
/// The block alone, as a network of one block.
Item item_of(const spaces::Placed& block);

/// A network as block keys and wiring; slots are left out.
nlohmann::json to_json(const spaces::NetworkSpec& net);
/// The inverse, slots 0. FormatError naming `where`.
spaces::NetworkSpec network_from_json(const nlohmann::json& value, const std::string& where);
nlohmann::json to_json(const Item& item);
Item item_from_json(const nlohmann::json& value, const std::string& where);

struct Job {
  std::vector<Item> items;
  Protocol protocol;
  std::uint64_t seed = 0;  ///< of order, weights and inputs; below 2^63
  /// Rounds of each item that are already in the log and are not run again (resume); same length as
  /// items, or empty.
  std::vector<std::vector<int>> done;
};
/// A job for an engine: what the program on the device takes.
struct EngineJob {
  std::string engine;
  Job job;
};
nlohmann::json to_json(const EngineJob& job);
EngineJob engine_job_from_json(const nlohmann::json& value, const std::string& where);

/// The runs of one item in one round, or why there are none. A failed run is no sample.
struct Sample {
  int item = 0, round = 0;
  struct Runs {
    std::vector<Micros> by_clock;  ///< by the protocol's clock: these rank
    std::vector<Micros> wall;      ///< wall time of the same runs
  };
  std::variant<Runs, Failure> runs;
  ClockState clock;  ///< right after the runs
  /// Of the output from the reference's, over the reference's largest value; in an item's first
  /// round only.
  std::optional<double> max_difference;
};
nlohmann::json to_json(const Sample& sample);
Sample sample_from_json(const nlohmann::json& value, const std::string& where);

// Lines that the program on the device writes, one JSON object each.

/// The first line.
struct Started {
  DeviceInfo device;
  ClockState clock;
};
/// An item is about to be prepared and run: if the process dies, this is the culprit.
struct Began {
  int item = 0, round = 0;
};
/// The last line: all is done, or a signal asked to stop.
struct Ended {
  bool stopped = false;
};
using ProbeLine = std::variant<Started, Began, Sample, Ended>;
nlohmann::json to_json(const ProbeLine& line);
ProbeLine probe_line_from_json(const nlohmann::json& value, const std::string& where);

}  // namespace lathe::latency
