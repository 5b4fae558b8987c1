#pragma once

#include "latency/protocol.hpp"
#include "spaces/base/error.hpp"
#include "spaces/base/event.hpp"
#include "spaces/network.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

namespace lathe::latency {

/// What identifies a device and engine; compared, not its display name, where a table meets a device.
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

/// Frequency and temperature where the system tells; "unknown" in JSON where it does not.
struct ClockState {
  double frequency_mhz = -1;    ///< of the first core used; negative: unknown
  double temperature_c = -1e9;  ///< hottest zone; below -273: unknown
};

/// One thing to time. `net` of one block is a block alone: then its key names it.
struct Item {
  std::string name;         ///< the block's key, or the network's text: unique within a job
  spaces::NetworkSpec net;
};

struct Job {
  std::vector<Item> items;
  Protocol protocol;
  std::uint64_t seed = 0;  ///< of order, weights and inputs
  /// Rounds of each item that are already in the log and are not run again (resume); same length as
  /// items, or empty.
  std::vector<std::vector<int>> done;
};

/// The runs of one item in one round, or why there are none. A failed run is no sample.
struct Sample {
  int item = 0, round = 0;
  struct Runs {
    std::vector<Micros> by_clock;  ///< by the protocol's clock: these rank
    std::vector<Micros> wall;      ///< wall time of the same runs
  };
  std::variant<Runs, Failure> runs;
  ClockState clock;
  double max_difference = 0;  ///< of the output from the reference's, over its largest value; round 0
};

/// A machine with an engine on it. Not thread-safe.
class Device {
 public:
  virtual ~Device() = default;
  virtual DeviceInfo info() = 0;
  /// Runs all rounds and hands every sample to `sink` as it comes, so that a lost device costs what
  /// was not yet measured and no more. Each item's output is compared with the reference executor
  /// first; a difference above 1e-4 of its largest value is that item's Failure. Throws DeviceError
  /// if the device is lost, Interrupted if `events` asks to stop.
  virtual void measure(const Job& job, const std::function<void(const Sample&)>& sink,
                       EventSink& events) = 0;
};

}  // namespace lathe::latency
