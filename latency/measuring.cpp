#include "latency/measuring.hpp"

#include "latency/measurement_log.hpp"
#include "latency/summary.hpp"
#include "spaces/base/file_io.hpp"
#include "spaces/base/json_io.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <set>
#include <utility>

namespace lathe::latency {
namespace {

using nlohmann::json;

void add_items(LogSection& section, Role role, const std::vector<Item>& items) {
  for (const Item& item : items) {
    section.roles.push_back(role);
    section.items.push_back(item);
  }
}

/// The section that is to be measured, without samples.
LogSection wanted_section(Device& device, const MeasureOptions& options) {
  LogSection section;
  section.device = device.info();
  section.name = options.name.empty() ? section.device.name : options.name;
  section.protocol = options.protocol;
  section.seed = options.seed;
  section.date = utc_now();
  section.build = build_info();
  return section;
}

LogSection wanted_section(const Plan& plan, Device& device, const MeasureOptions& options) {
  LogSection section = wanted_section(device, options);
  section.protocol = resolved(options.protocol, plan);
  section.space = plan.space;
  section.space_fingerprint = plan.space_fingerprint;
  add_items(section, Role::block, plan.blocks);
  add_items(section, Role::fit, plan.fit);
  add_items(section, Role::check, plan.check);
  return section;
}

void check_names(const LogSection& section) {
  std::set<std::string> names;
  for (const Item& item : section.items) {
    LATHE_CHECK(names.insert(item.name).second, "item \"" + item.name + "\" stands twice in a job");
  }
}

void refuse_debug(const MeasureOptions& options) {
  if (build_info().build_type != "Debug" || options.allow_debug) return;
  throw ConfigError(
      "this is a Debug build: expected a build whose latencies mean something; build "
      "the preset release, or use --allow-debug");
}

/// The log's last section, which must be of the measuring that is wanted.
LogSection logged_section(const LogSection& wanted, const MeasureOptions& options,
                          EventSink& events) {
  int torn = 0;
  std::vector<LogSection> sections = read_log(options.samples, &torn);
  if (torn > 0) {
    const json fields = {{"file", options.samples.string()}, {"line", torn}};
    events.event({Level::warn, "measure.torn_line", fields});
  }
  LogSection& last = sections.back();
  if (const auto differs = difference(last, wanted)) {
    throw FormatError(Problem{options.samples.string(), "a log of the same measuring to resume",
                              *differs, "measure into another file, or without --resume"});
  }
  return std::move(last);
}

/// False for a log whose first line was not finished: the process was killed as it began.
bool has_begun(const std::filesystem::path& log) {
  bool line = false;
  read_pieces(log, [&](std::string_view piece) { line = line || piece.find('\n') != piece.npos; });
  return line;
}

/// Opens the log at the wanted section: a new file, one more section, or the one to resume, whose
/// samples are then in `section`.
JsonlWriter open_log(LogSection& section, const MeasureOptions& options, bool appends,
                     EventSink& events) {
  const bool exists = std::filesystem::exists(options.samples);
  if (exists && !options.resume && !appends) {
    throw ConfigError(options.samples.string() +
                      ": expected a new file, got one that exists; use --resume or another --out");
  }
  if (options.resume && has_begun(options.samples)) {
    section = logged_section(section, options, events);
    return JsonlWriter(options.samples);
  }
  try {
    JsonlWriter log(options.samples);
    log.append(section_line(section));
    return log;
  } catch (const ResourceError&) {
    if (!exists) remove_file(options.samples);
    throw;
  }
}

void report_failure(const LogSection& section, const Sample& sample, EventSink& events) {
  const auto* failure = std::get_if<Failure>(&sample.runs);
  if (failure == nullptr) return;
  const json fields = {{"item", section.items[static_cast<std::size_t>(sample.item)].name},
                       {"round", sample.round},
                       {"reason", failure->reason}};
  events.event({Level::warn, "measure.failed", fields});
}

/// Measures what of the section is not there yet.
void measure_section(LogSection& section, Device& device, JsonlWriter* log, EventSink& events) {
  check_names(section);
  Job job{section.items, section.protocol, section.seed, done_rounds(section)};
  const json fields = {{"device", section.device.model},
                       {"engine", section.device.engine},
                       {"items", section.items.size()},
                       {"rounds", section.protocol.rounds},
                       {"samples_there", section.samples.size()}};
  events.event({Level::info, "measure.started", fields});
  const auto keep = [&](const Sample& sample) {
    if (log != nullptr) log->append(sample_line(sample));
    report_failure(section, sample, events);
    section.samples.push_back(sample);
  };
  device.measure(job, keep, events);
}

}  // namespace

std::filesystem::path samples_file_of(const std::filesystem::path& table) {
  return table.string() + ".samples.jsonl";
}

LatencyTable measure_table(const Plan& plan, Device& device, const MeasureOptions& options,
                           EventSink& events) {
  LATHE_CHECK(!options.samples.empty(), "a table needs a log of its samples");
  refuse_debug(options);
  LogSection section = wanted_section(plan, device, options);
  JsonlWriter log = open_log(section, options, /*appends=*/false, events);
  measure_section(section, device, &log, events);
  flush_file(options.samples);
  return rebuild_table(options.samples);
}

LatencyTable measure_missing(const LatencyTable& table, const Plan& plan, Device& device,
                             const MeasureOptions& options, EventSink& events) {
  refuse_debug(options);
  MeasureOptions same = options;
  same.protocol = table.header().protocol;
  LogSection section = wanted_section(plan, device, same);
  if (const auto differs = difference(section.device, table.header().device)) {
    throw DeviceError(section.device.name + ": expected the device and engine of the table " +
                      table.header().name + ", got " + *differs +
                      "; measure a table of its own for this device");
  }
  LatencyTable result = table;
  if (plan.blocks.empty()) return result;
  JsonlWriter log = open_log(section, same, /*appends=*/true, events);
  measure_section(section, device, &log, events);
  flush_file(options.samples);
  add_blocks(result, section);
  return result;
}

LatencyTable rebuild_table(const std::filesystem::path& samples) {
  const std::vector<LogSection> sections = read_log(samples);
  for (const LogSection& section : sections) {
    for (std::size_t i = 0; i < section.items.size(); ++i) {
      const auto summary = summarise(section, i);
      const auto* failure = std::get_if<Failure>(&summary);
      if (failure == nullptr || last_failure(section, i)) continue;
      throw FormatError(Problem{samples.string(), "a measuring that came to its end",
                                "item \"" + section.items[i].name + "\" " + failure->reason,
                                "go on with `lathe measure --resume`"});
    }
  }
  return summarise_table(sections, samples.filename().string(), samples.string());
}

std::vector<std::variant<NetworkMeasurement, Failure>> measure_networks(
    const std::vector<Item>& networks, Device& device, const MeasureOptions& options,
    EventSink& events) {
  LogSection section = wanted_section(device, options);
  add_items(section, Role::network, networks);
  std::optional<JsonlWriter> log;
  if (!options.samples.empty()) log = open_log(section, options, /*appends=*/false, events);
  measure_section(section, device, log ? &*log : nullptr, events);
  std::vector<std::variant<NetworkMeasurement, Failure>> results;
  for (std::size_t i = 0; i < networks.size(); ++i) results.push_back(summarise(section, i));
  return results;
}

Measurements measurements_of(const std::vector<std::variant<NetworkMeasurement, Failure>>& networks,
                             Device& device, const MeasureOptions& options) {
  Measurements result;
  const LogSection section = wanted_section(device, options);
  static_cast<Origin&>(result) = static_cast<const Origin&>(section);
  for (const auto& network : networks) {
    if (const auto* measured = std::get_if<NetworkMeasurement>(&network)) {
      result.networks.push_back(*measured);
    }
  }
  return result;
}

}  // namespace lathe::latency
