#include "latency/device/clock_state.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sched.h>
#include <sstream>
#include <sys/utsname.h>
#include <thread>
#include <unistd.h>

namespace lathe::latency {
namespace {

std::optional<double> number_in(const std::filesystem::path& file) {
  std::ifstream in(file);
  double value = 0;
  if (!(in >> value)) return std::nullopt;
  return value;
}

/// The rest of the first line that starts with the word, behind its colon.
std::optional<std::string> field_in(const char* file, const std::string& word) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (line.compare(0, word.size(), word) != 0) continue;
    const auto colon = line.find(':');
    if (colon == std::string::npos) continue;
    const auto begin = line.find_first_not_of(" \t", colon + 1);
    if (begin != std::string::npos) return line.substr(begin);
  }
  return std::nullopt;
}

}  // namespace

ClockState read_clock_state(int core) {
  ClockState state;
  const std::filesystem::path cpus = "/sys/devices/system/cpu", zones = "/sys/class/thermal";
  const auto khz = number_in(cpus / ("cpu" + std::to_string(core)) / "cpufreq/scaling_cur_freq");
  if (khz) state.frequency_mhz = *khz / 1000;
  std::error_code unreadable;
  for (const auto& zone : std::filesystem::directory_iterator(zones, unreadable)) {
    const auto millidegrees = number_in(zone.path() / "temp");
    if (!millidegrees) continue;
    state.temperature_c = std::max(state.temperature_c.value_or(-273.15), *millidegrees / 1000);
  }
  return state;
}

void pin_to(const std::vector<int>& cores) {
  if (cores.empty()) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  std::string list;
  for (const int core : cores) {
    CPU_SET(static_cast<std::size_t>(core), &set);
    list += (list.empty() ? "" : ",") + std::to_string(core);
  }
  // A mask with some cores that do not exist would be cut down in silence.
  cpu_set_t granted;
  if (sched_setaffinity(0, sizeof set, &set) != 0 ||
      sched_getaffinity(0, sizeof granted, &granted) != 0 || !CPU_EQUAL(&set, &granted)) {
    throw DeviceError("cannot pin to cores " + list + ": expected cores below " +
                      std::to_string(std::thread::hardware_concurrency()) +
                      " that this process may use" +
                      (errno != 0 ? std::string(" (") + std::strerror(errno) + ")" : ""));
  }
}

DeviceInfo describe_machine() {
  DeviceInfo info;
  info.name = "local";
  info.model = "unknown";
  // x86 and most kernels say "model name"; old ARM kernels "Hardware".
  for (const char* word : {"model name", "Hardware"}) {
    if (const auto model = field_in("/proc/cpuinfo", word)) {
      info.model = *model;
      break;
    }
  }
  utsname system{};
  info.system = "unknown";
  if (uname(&system) == 0) {
    info.system = std::string(system.sysname) + " " + system.release + " " + system.machine;
  }
  info.processors = static_cast<int>(std::thread::hardware_concurrency());
  return info;
}

std::optional<std::uint64_t> available_memory() {
  const auto field = field_in("/proc/meminfo", "MemAvailable");
  if (!field) return std::nullopt;
  std::istringstream in(*field);
  std::uint64_t kibibytes = 0;
  if (!(in >> kibibytes)) return std::nullopt;
  return kibibytes * 1024;
}

}  // namespace lathe::latency
