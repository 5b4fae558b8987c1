#include "search/cli/machine_findings.hpp"

#include "search/cli/print.hpp"
#include "spaces/base/units.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <optional>
#include <sstream>
#include <system_error>

namespace lathe::cli {
namespace {

namespace fs = std::filesystem;
using State = Finding::State;

constexpr std::int64_t kGibibyte = std::int64_t(1) << 30;
/// Training the quickstart's supernet takes 0.5 GiB, LibTorch's code included.
constexpr std::int64_t kLeastMemory = kGibibyte;
/// A training of a large space keeps a checkpoint of some 100 MB for each phase.
constexpr std::int64_t kLeastDisk = 2 * kGibibyte;
/// Below this the cores are as quiet as a machine with its services gets.
constexpr double kQuiet = 0.2;

/// What XNNPACK's and LibTorch's kernels are chosen by; x86 first, then ARM's names.
constexpr std::array<const char*, 14> kInstructionSets = {
    "sse4_1",      "avx",      "f16c",  "avx2",    "fma",     "avx_vnni", "avx512f",
    "avx512_vnni", "amx_tile", "asimd", "asimdhp", "asimddp", "i8mm",     "sve"};

/// The words behind the colon of the first line that begins with `name`.
std::string field_in(const fs::path& file, const std::string& name) {
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t colon = line.find(':');
    if (line.rfind(name, 0) != 0 || colon == std::string::npos) continue;
    const std::size_t begin = line.find_first_not_of(" \t", colon + 1);
    if (begin != std::string::npos) return line.substr(begin);
  }
  return "";
}

std::string first_word(const fs::path& file) {
  std::ifstream text(file);
  std::string word;
  text >> word;
  return word;
}

template <typename Number>
std::optional<Number> number_in(const fs::path& file) {
  std::ifstream text(file);
  Number number{};
  if (!(text >> number)) return std::nullopt;
  return number;
}

int cores_in(const fs::path& cpuinfo) {
  std::ifstream lines(cpuinfo);
  int count = 0;
  for (std::string line; std::getline(lines, line);) count += line.rfind("processor", 0) == 0;
  return count;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

/// The limit of the container, of version 2 of control groups or of version 1.
std::optional<std::int64_t> memory_limit(const fs::path& root) {
  const fs::path groups = root / "sys/fs/cgroup";
  if (const auto limit = number_in<std::int64_t>(groups / "memory.max")) return limit;
  return number_in<std::int64_t>(groups / "memory/memory.limit_in_bytes");
}

std::optional<double> hottest_zone(const fs::path& root) {
  std::optional<double> hottest;
  std::error_code unreadable;
  for (const auto& zone : fs::directory_iterator(root / "sys/class/thermal", unreadable)) {
    const auto millidegrees = number_in<double>(zone.path() / "temp");
    if (millidegrees) hottest = std::max(hottest.value_or(-273.15), *millidegrees / 1000);
  }
  return hottest;
}

/// Whether the processor may raise its clock above the nominal one.
std::optional<bool> turbo(const fs::path& cpus) {
  if (const auto off = number_in<int>(cpus / "intel_pstate/no_turbo")) return *off == 0;
  if (const auto on = number_in<int>(cpus / "cpufreq/boost")) return *on != 0;
  return std::nullopt;
}

/// Busy and all ticks of the machine, and its cores, in the text of proc/stat.
struct Ticks {
  double busy = 0, taken = 0, all = 0;  ///< taken: by the host of a virtual machine
  int cores = 0;
};

Ticks ticks_in(const std::string& stat) {
  Ticks ticks;
  std::istringstream lines(stat);
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("cpu", 0) != 0) break;
    if (line[3] != ' ') {
      ++ticks.cores;
      continue;
    }
    std::istringstream words(line.substr(4));
    // user nice system idle iowait irq softirq steal; what follows is counted in these already
    std::array<double, 8> numbers{};
    for (double& number : numbers) words >> number;
    for (const double number : numbers) ticks.all += number;
    ticks.busy = ticks.all - numbers[3] - numbers[4];
    ticks.taken = numbers[7];
  }
  return ticks;
}

}  // namespace

Finding processor_finding(const fs::path& root) {
  const fs::path cpuinfo = root / "proc/cpuinfo";
  std::string model = field_in(cpuinfo, "model name");
  if (model.empty()) model = field_in(cpuinfo, "Hardware");
  if (model.empty()) model = "unknown model";
  const int cores = cores_in(cpuinfo);
  std::istringstream flags(field_in(cpuinfo, "flags") + " " + field_in(cpuinfo, "Features"));
  std::vector<std::string> all;
  for (std::string flag; flags >> flag;) all.push_back(flag);
  const auto has = [&](const char* name) {
    return std::find(all.begin(), all.end(), name) != all.end();
  };
  std::vector<std::string> sets;
  std::copy_if(kInstructionSets.begin(), kInstructionSets.end(), std::back_inserter(sets), has);

  const bool is_virtual = has("hypervisor");
  Finding finding{"processor",
                  State::ok,
                  model + ", " + counted(cores, "core") +
                      (is_virtual ? " of a virtual machine" : "") +
                      (sets.empty() ? "" : "; " + joined(sets)),
                  "",
                  {{"model", model},
                   {"cores", std::int64_t(cores)},
                   {"virtual", is_virtual},
                   {"instruction_sets", sets}}};
  if (has("sse4_1") && !(has("avx2") && has("fma"))) {
    finding.state = State::note;
    finding.remedy =
        "without avx2 and fma the engines use their slow kernels: latencies of this "
        "machine say little about others";
  }
  return finding;
}

Finding memory_finding(const fs::path& root) {
  const auto kibibytes = [&](const char* name) {
    return std::int64_t(1024) * std::atoll(field_in(root / "proc/meminfo", name).c_str());
  };
  const std::int64_t total = kibibytes("MemTotal");
  std::int64_t free = kibibytes("MemAvailable");
  Finding finding{"memory",
                  State::ok,
                  text_bytes(total) + ", " + text_bytes(free) + " of it available",
                  "",
                  {{"total_bytes", total}, {"available_bytes", free}}};
  const auto limit = memory_limit(root);
  if (limit && *limit < total) {  // version 1 says "no limit" as a huge number
    free = std::min(free, *limit);
    finding.found += "; this container may use " + text_bytes(*limit);
    finding.facts.emplace_back("limit_bytes", *limit);
  }
  if (free < kLeastMemory) {
    finding.state = State::note;
    finding.remedy = "training needs about " + text_bytes(kLeastMemory) +
                     " even for small spaces: end other programs, or lower batch_size";
  }
  return finding;
}

Finding clock_finding(const fs::path& root) {
  const fs::path cpus = root / "sys/devices/system/cpu", core = cpus / "cpu0";
  Finding finding{"clock", State::ok, "", "", {}};
  std::vector<std::string> parts;
  if (const auto khz = number_in<double>(core / "cpufreq/scaling_cur_freq")) {
    parts.push_back(grouped(static_cast<std::int64_t>(*khz / 1000)) + " MHz now");
    finding.facts.emplace_back("frequency_mhz", *khz / 1000);
  }
  const std::string governor = first_word(core / "cpufreq/scaling_governor");
  if (!governor.empty()) {
    parts.push_back("governor " + governor);
    finding.facts.emplace_back("governor", governor);
    if (governor != "performance") {
      finding.state = State::note;
      finding.remedy = "for steady latencies: cpupower frequency-set -g performance";
    }
  }
  if (const auto on = turbo(cpus)) {
    parts.emplace_back(*on ? "turbo on" : "turbo off");
    finding.facts.emplace_back("turbo", *on);
  }
  if (const auto celsius = hottest_zone(root)) {
    parts.push_back(digits(*celsius, 3) + " degrees Celsius");
    finding.facts.emplace_back("temperature_c", *celsius);
  }
  if (const auto times = number_in<std::int64_t>(core / "thermal_throttle/core_throttle_count")) {
    parts.push_back("throttled " + grouped(*times) + " times since the start");
    finding.facts.emplace_back("throttled", *times);
  }
  finding.found = joined(parts);
  if (parts.empty()) {
    finding.state = State::note;
    finding.found = "neither frequency nor temperature can be read (virtual machines hide them)";
    finding.remedy =
        "a throttled clock would not be seen: look at drift and ceiling in "
        "`lathe table info TABLE`";
  }
  return finding;
}

Finding load_finding(const std::string& earlier, const std::string& later) {
  const Ticks before = ticks_in(earlier), after = ticks_in(later);
  const double all = after.all - before.all;
  if (after.cores == 0 || all <= 0) {
    return {"load", State::note, "cannot be read", "make sure that nothing else runs", {}};
  }
  const double busy = (after.busy - before.busy) / all * after.cores;
  const double taken = (after.taken - before.taken) / all * after.cores;
  Finding finding{"load",
                  State::ok,
                  digits(busy, 2) + " of " + counted(after.cores, "core") + " busy with other work",
                  "",
                  {{"busy_cores", busy}, {"taken_cores", taken}}};
  if (taken > 0.05) finding.found += ", " + digits(taken, 2) + " taken by the host";
  if (busy > kQuiet) {
    finding.state = State::note;
    finding.remedy = "measuring will be noisy: wait until it is quiet, or end the other programs";
  }
  return finding;
}

Finding disk_finding(const fs::path& folder) {
  std::error_code error;
  const fs::space_info space = fs::space(folder, error);
  if (error) {
    return {"disk",
            State::note,
            "free space of " + folder.string() + ": " + error.message(),
            "go to a folder that can be written to",
            {}};
  }
  const auto free = static_cast<std::int64_t>(space.available);
  Finding finding{"disk",
                  State::ok,
                  text_bytes(free) + " free in " + folder.string(),
                  "",
                  {{"folder", folder.string()}, {"free_bytes", free}}};
  if (free < kLeastDisk) {
    finding.state = State::note;
    finding.remedy = "runs of large spaces take about " + text_bytes(kLeastDisk) +
                     ": make room, or put --out elsewhere";
  }
  return finding;
}

}  // namespace lathe::cli
