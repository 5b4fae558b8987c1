#include "search/cli/tool_findings.hpp"

#include "latency/child_process.hpp"
#include "latency/device_local.hpp"
#include "search/cli/in_child.hpp"
#include "search/cli/place.hpp"
#include "search/cli/print.hpp"
#include "search/torch_door.hpp"
#include "spaces/base/event.hpp"
#include "supernet/export/onnxruntime.hpp"

#include <chrono>
#include <cstdlib>
#include <optional>
#include <sstream>
#include <unistd.h>

namespace lathe::cli {
namespace {

namespace fs = std::filesystem;
using State = Finding::State;
using namespace std::chrono_literals;

/// adb starts a server of its own at first use, which takes seconds.
constexpr auto kAdbPatience = 10s;

constexpr const char* kNotYet = "; not used yet: this version measures on this machine only";

Finding missing(const std::string& what, const Error& error, const std::string& remedy) {
  return {what, State::missing, error.what(), remedy, {}, error.exit_code()};
}

int files_in_folder(const fs::path& folder) {
  int count = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    count += entry.path().extension() == ".json" ? 1 : 0;
  }
  return count;
}

Finding images_finding(const fs::path& configs) {
  const fs::path excerpt = configs.parent_path() / "tests/data/cifar10-excerpt.tar.gz";
  if (fs::exists(excerpt)) {
    return {"images", State::ok, excerpt.string(), "", {{"file", excerpt.string()}}};
  }
  return {"images",
          State::note,
          "no " + excerpt.string() + ", which the quickstart trains on",
          "name your own with --set data.path=FOLDER",
          {}};
}

Finding shared_data_finding(const fs::path& configs) {
  const char* const named = std::getenv("LATHE_SHARED_DATA");
  const fs::path folder =
      named != nullptr ? fs::path(named) : configs.parent_path() / "../shared/data";
  if (fs::is_directory(folder)) {
    const std::string found = folder.lexically_normal().string();
    return {"test data", State::ok, found, "", {{"folder", found}}};
  }
  return {"test data",
          State::note,
          "no folder " + folder.lexically_normal().string(),
          "only some tests and full-size configs need it: LATHE_SHARED_DATA=FOLDER names it",
          {}};
}

std::optional<fs::path> find_program(const std::string& name, const std::string& search_path) {
  std::istringstream folders(search_path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    const fs::path file = fs::path(folder) / name;
    if (access(file.c_str(), X_OK) == 0 && fs::is_regular_file(file)) return file;
  }
  return std::nullopt;
}

/// The first words of the lines of `adb devices` behind its title, with their state.
std::vector<std::string> devices_of(const fs::path& adb) {
  latency::ChildProcess child(adb, {"devices"});
  std::vector<std::string> devices;
  const auto end = std::chrono::steady_clock::now() + kAdbPatience;
  while (!child.at_end()) {
    if (std::chrono::steady_clock::now() > end) throw DeviceError("`adb devices` does not answer");
    const auto line = child.read_line(200ms);
    if (!line || line->find('\t') == std::string::npos) continue;
    std::string device = *line;
    device[device.find('\t')] = ' ';
    devices.push_back(device);
  }
  return devices;
}

Finding adb_finding(const std::string& search_path) {
  Finding finding{"adb", State::note, std::string("no program adb") + kNotYet, "", {}};
  const auto adb = find_program("adb", search_path);
  if (!adb) return finding;
  finding.found = adb->string();
  finding.facts.emplace_back("file", adb->string());
  try {
    const std::vector<std::string> devices = devices_of(*adb);
    for (const std::string& device : devices) finding.found += ", " + device;
    if (devices.empty()) finding.found += ", no device attached";
    finding.facts.emplace_back("devices", devices);
  } catch (const DeviceError& error) {
    finding.found += ": " + std::string(error.what());
  }
  finding.found += kNotYet;
  return finding;
}

}  // namespace

std::vector<Finding> config_findings(const General& general) {
  try {
    const fs::path folder = configs_folder(general);
    const int count = files_in_folder(folder / "spaces");
    return {{"configs",
             State::ok,
             folder.string() + ", " + counted(count, "space"),
             "",
             {{"folder", folder.string()}, {"spaces", std::int64_t(count)}}},
            images_finding(folder),
            shared_data_finding(folder)};
  } catch (const ConfigError& error) {
    return {missing("configs", error, "")};
  }
}

std::vector<Finding> probe_findings(const fs::path& probe) {
  if (!fs::exists(probe)) {
    return {missing("lathe-probe", DeviceError("no " + probe.string() + ", which measures"),
                    "build the target lathe-probe; it belongs beside lathe")};
  }
  std::vector<Finding> findings = {
      {"lathe-probe", State::ok, probe.string(), "", {{"file", probe.string()}}}};
  for (const std::string engine : {"xnnpack", "reference"}) {
    const std::string what = "engine " + engine;
    try {
      const latency::DeviceInfo info = latency::make_local_device(probe, engine)->info();
      findings.push_back({what,
                          State::ok,
                          info.engine_version + " on " + info.model,
                          "",
                          {{"version", info.engine_version}, {"model", info.model}}});
    } catch (const DeviceError& error) {
      findings.push_back(missing(what, error, "run scripts/setup.sh and build again"));
    }
  }
  return findings;
}

Finding torch_finding() {
  try {
    const std::string file = search::find_torch_library().string();
    std::istringstream answer(in_child([] {
      const auto door = search::open_torch_door(1);
      std::string text = door->version();
      for (const std::string& device : door->devices()) text += " " + device;
      return text;
    }));
    std::string version, shown;
    std::vector<std::string> devices;
    answer >> version;
    for (std::string device; answer >> device;) {
      shown += (shown.empty() ? "" : ", ") + device;
      devices.push_back(device);
    }
    return {"LibTorch",
            State::ok,
            version + " behind " + file + "; trains on " + shown,
            "",
            {{"version", version}, {"file", file}, {"devices", devices}}};
  } catch (const Error& error) {
    return missing("LibTorch", error,
                   "train, evaluate, export and search on a supernet need it; what else there is "
                   "works without");
  }
}

Finding onnxruntime_finding(const fs::path& folder) {
  const std::string without =
      "exports are then checked by Lathe's own reader alone; `pip install onnxruntime` in .venv "
      "brings it";
  const auto library = supernet::find_onnxruntime(folder);
  if (!library) return {"ONNX Runtime", State::note, "not found", without, {}};
  try {
    const std::string version = in_child([&] { return supernet::onnxruntime_version(*library); });
    return {"ONNX Runtime",
            State::ok,
            version + ", " + library->string(),
            "",
            {{"version", version}, {"file", library->string()}}};
  } catch (const Error& error) {
    return {"ONNX Runtime", State::note, error.what(), without, {}};
  }
}

std::vector<Finding> remote_findings(const std::string& search_path) {
  Finding ssh{"ssh", State::note, std::string("no program ssh") + kNotYet, "", {}};
  if (const auto file = find_program("ssh", search_path)) {
    ssh.found = file->string() + kNotYet;
    ssh.facts.emplace_back("file", file->string());
  }
  return {adb_finding(search_path), ssh};
}

}  // namespace lathe::cli
