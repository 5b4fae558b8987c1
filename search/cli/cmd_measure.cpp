#include "latency/device_config.hpp"
#include "latency/device_local.hpp"
#include "latency/measuring.hpp"
#include "latency/plan.hpp"
#include "search/cli/commands.hpp"
#include "search/cli/console_sink.hpp"
#include "search/cli/count_network.hpp"
#include "search/cli/place.hpp"
#include "search/cli/print.hpp"
#include "search/cli/run_folder.hpp"
#include "search/cli/table_info.hpp"
#include "spaces/base/config_reader.hpp"
#include "spaces/base/error.hpp"
#include "spaces/base/json_io.hpp"
#include "spaces/base/run_lock.hpp"

#include <nlohmann/json.hpp>

#include <charconv>
#include <sstream>

namespace lathe::cli {
namespace {

using nlohmann::json;

[[noreturn]] void refuse_cores(const std::string& list) {
  throw ConfigError(Problem{"--cores", "core numbers such as 0,2-3", '"' + list + '"', ""});
}

int core_number(const std::string& word, const std::string& list) {
  int number = -1;
  const auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  const bool whole = error == std::errc() && stop == word.data() + word.size();
  if (!whole || number < 0 || number > 4095) refuse_cores(list);
  return number;
}

/// "0,2-3" is 0, 2 and 3.
std::vector<int> cores_of(const std::string& list) {
  std::vector<int> cores;
  std::istringstream parts(list);
  for (std::string part; std::getline(parts, part, ',');) {
    const std::size_t dash = part.find('-');
    const int first = core_number(part.substr(0, dash), list);
    const int last = dash == std::string::npos ? first : core_number(part.substr(dash + 1), list);
    if (last < first) refuse_cores(list);
    for (int core = first; core <= last; ++core) cores.push_back(core);
  }
  if (cores.empty()) refuse_cores(list);
  return cores;
}

latency::MeasureConfig read_config(const MeasureOptions& options) {
  const bool from_file = !options.config.empty();
  json value = {{"format", "lathe.measure"}, {"version", 1}};
  if (from_file) value = load_json(options.config, Comments::allowed);
  for (const std::string& assignment : options.overrides) apply_typed(value, assignment);
  return latency::read_measure_config(value, from_file ? options.config : "lathe measure");
}

/// The device with what the flags say, and the protocol that follows from config, device and flags.
latency::DeviceConfig device_of(const MeasureOptions& options, const General& general,
                                latency::Protocol& protocol) {
  latency::DeviceConfig device =
      latency::find_device_config(options.device, configs_folder(general));
  if (!options.engine.empty()) device.engine = options.engine;
  if (options.device_threads) device.threads = options.device_threads;
  if (!options.cores.empty()) device.cores = cores_of(options.cores);
  latency::apply(device, protocol);
  if (options.rounds) protocol.rounds = *options.rounds;
  return device;
}

spaces::SearchSpace space_of(const MeasureOptions& options, const General& general) {
  spaces::SpaceName name = spaces::parse_space_name(options.space);
  if (!options.precision.empty()) name.settings.emplace_back("precision", options.precision);
  return load_space(text(name), general);
}

std::vector<latency::Item> whole_networks(const MeasureOptions& options,
                                          const spaces::SearchSpace& space) {
  std::vector<latency::Item> items;
  for (const auto& network : read_networks(options.nets, space)) {
    items.push_back(
        {spaces::to_text(network.space, network.arch), network.space.decode(network.arch)});
  }
  return items;
}

void print_plan(const General& general, const latency::Plan& plan,
                const latency::Protocol& protocol) {
  const Micros estimated = latency::estimated_time(plan, protocol);
  const std::size_t networks = plan.fit.size() + plan.check.size();
  if (general.json) {
    json keys = json::array();
    for (const latency::Item& block : plan.blocks) keys.push_back(block.name);
    print_json({{"blocks", plan.blocks.size()},
                {"networks", networks},
                {"estimated_s", std::chrono::duration<double>(estimated).count()},
                {"keys", keys}});
    return;
  }
  for (const latency::Item& block : plan.blocks) print(block.name + "\n");
  print(counted(static_cast<std::int64_t>(plan.blocks.size()), "block") + " and " +
        counted(static_cast<std::int64_t>(networks), "whole network") + " in " +
        counted(protocol.rounds, "round") + ": about " + text_rough(estimated) + "\n");
}

void print_measurements(const General& general, const latency::Measurements& measured) {
  std::vector<std::vector<std::string>> rows;
  for (const latency::NetworkMeasurement& network : measured.networks) {
    if (general.json) {
      print_json({{"network", network.network},
                  {"median_ms", Millis(network.entry.median).count()},
                  {"p90_ms", Millis(network.p90).count()},
                  {"spread_ms", Millis(network.entry.spread).count()},
                  {"wall_median_ms", Millis(network.entry.wall_median).count()},
                  {"samples", network.entry.samples}});
    }
    rows.push_back({text(network.entry.median), text(network.p90), text(network.entry.spread),
                    text(network.entry.wall_median), network.network});
  }
  if (general.json) return;
  print(table_text({{"median"}, {"P90"}, {"spread"}, {"wall"}, {"network", Align::left}}, rows));
}

void measure_whole(const MeasureOptions& options, const General& general,
                   const std::vector<latency::Item>& items, latency::Device& device,
                   const latency::MeasureOptions& how, ConsoleSink& sink) {
  const auto outcomes = latency::measure_networks(items, device, how, sink);
  const latency::Measurements measured = latency::measurements_of(outcomes, device, how);
  if (measured.networks.empty()) {
    const auto* failure = std::get_if<Failure>(&outcomes.front());
    throw CheckFailed("none of the " + std::to_string(outcomes.size()) +
                      " networks could be measured" +
                      (failure == nullptr ? "" : "; the first one: " + failure->reason));
  }
  save(measured, options.out);
  print_measurements(general, measured);
}

}  // namespace

void run(const General& general, const MeasureOptions& options) {
  latency::MeasureConfig config = read_config(options);
  const latency::DeviceConfig device_config = device_of(options, general, config.protocol);
  const spaces::SearchSpace space = space_of(options, general);
  const std::uint64_t seed = options.seed.value_or(0);
  const auto items = whole_networks(options, space);
  const auto plan = [&] {
    if (options.whole_networks)
      return latency::Plan{space.name(), space.fingerprint(), {}, items, {}};
    if (options.missing) {
      return latency::make_missing_plan(latency::LatencyTable::load(options.out), space);
    }
    return latency::make_plan(space, config.fit_networks, config.check_networks, seed);
  }();
  if (options.plan) {
    print_plan(general, plan, config.protocol);
    return;
  }
  const bool finished = std::filesystem::exists(options.out);
  if (finished && options.resume && !options.missing && !options.whole_networks) {
    print_table_info(general, latency::LatencyTable::load(options.out));
    return;
  }
  if (!options.missing) {
    refuse_existing(options.out, "choose another name, or add to a table with --missing");
  }
  const RunLock lock(options.out, "a table", options.out.string() + ".lock");
  if (!options.missing) refuse_existing(options.out, "another process has just written it");
  ConsoleSink sink(general.quiet);
  const auto device = latency::make_device(device_config, latency::probe_beside_program());
  const latency::MeasureOptions how{config.protocol, seed,
                                    options.name,    latency::samples_file_of(options.out),
                                    options.resume,  options.allow_debug};
  if (options.whole_networks) {
    measure_whole(options, general, items, *device, how, sink);
    return;
  }
  const latency::LatencyTable table =
      options.missing ? latency::measure_missing(latency::LatencyTable::load(options.out), plan,
                                                 *device, how, sink)
                      : latency::measure_table(plan, *device, how, sink);
  table.save(options.out);
  print_table_info(general, table);
}

}  // namespace lathe::cli
