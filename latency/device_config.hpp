#pragma once

#include "latency/device.hpp"

#include <nlohmann/json_fwd.hpp>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lathe::latency {

/// A device as --device names it: "local", or a file in configs/devices/.
struct DeviceConfig {
  std::string name = "local";  ///< as the table will be called, unless it gets another name
  std::string kind = "local";
  std::string engine = "xnnpack";
  std::optional<int> threads;             ///< of the engine
  std::optional<std::vector<int>> cores;  ///< to pin to

  void read(ConfigReader& reader);
};

/// Reads a whole device file, as parse_json gave it; `file` names it in messages. ConfigError.
DeviceConfig read_device_config(const nlohmann::json& config, const std::filesystem::path& file);
/// Reads "local", a name in `configs`/devices or a path. Throws ConfigError.
DeviceConfig find_device_config(const std::string& name, const std::filesystem::path& configs);

/// Puts the config's threads and cores, where it has them, into the protocol; more than one thread
/// is timed by the wall clock.
void apply(const DeviceConfig& config, Protocol& protocol);

/// `probe`: lathe-probe's file.
std::unique_ptr<Device> make_device(const DeviceConfig& config, const std::filesystem::path& probe);

}  // namespace lathe::latency
