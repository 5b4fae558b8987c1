#include "latency/device_config.hpp"

#include "latency/device_local.hpp"
#include "spaces/base/json_io.hpp"

#include <nlohmann/json.hpp>

namespace lathe::latency {

void DeviceConfig::read(ConfigReader& reader) {
  reader.header("lathe.device", 1);
  reader.string("name", name, "as its tables are called");
  reader.word("kind", kind, {"local"}, "how it is reached: local is this machine");
  reader.string("engine", engine, "what runs the networks: xnnpack, reference");
  int thread_count = 1;
  reader.integer("threads", thread_count, {1, 1024}, "threads of the engine");
  if (reader.has("threads")) threads = thread_count;
  std::vector<int> core_list;
  reader.integers("cores", core_list, {0, 4095}, "cores to pin to; empty: not pinned");
  if (reader.has("cores")) cores = core_list;
}

DeviceConfig read_device_config(const nlohmann::json& config, const std::filesystem::path& file) {
  DeviceConfig result;
  ConfigReader::read(config, file, Strictness::config,
                     [&](ConfigReader& reader) { result.read(reader); });
  return result;
}

DeviceConfig find_device_config(const std::string& name, const std::filesystem::path& configs) {
  if (name == "local") return DeviceConfig();
  const auto scheme = name.substr(0, name.find(':'));
  if (scheme == "adb" || scheme == "ssh") {
    throw ConfigError("device \"" + name + "\": expected \"local\" or a device file, got \"" +
                      scheme + "\", which this version does not reach");
  }
  const std::filesystem::path shipped = configs / "devices" / (name + ".json");
  const std::filesystem::path file =
      std::filesystem::exists(shipped) ? shipped : std::filesystem::path(name);
  if (!std::filesystem::exists(file)) {
    throw ConfigError("device \"" + name + "\": expected \"local\", a name in " +
                      (configs / "devices").string() +
                      " or a file, got a name that is none of these");
  }
  return read_device_config(load_json(file, Comments::allowed), file);
}

void apply(const DeviceConfig& config, Protocol& protocol) {
  if (config.threads) protocol.threads = *config.threads;
  if (config.cores) protocol.cores = *config.cores;
  if (protocol.threads > 1) protocol.clock = Clock::steady;
}

std::unique_ptr<Device> make_device(const DeviceConfig& config,
                                    const std::filesystem::path& probe) {
  LATHE_CHECK(config.kind == "local", "a device of kind " + config.kind);
  return make_local_device(probe, config.engine);
}

}  // namespace lathe::latency
