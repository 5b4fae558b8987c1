#include "latency/device_config.hpp"
#include "latency/device_local.hpp"
#include "latency/measuring.hpp"
#include "search/cli/commands.hpp"
#include "search/cli/console_sink.hpp"
#include "search/cli/place.hpp"
#include "search/cli/run_folder.hpp"
#include "search/cli/search_overrides.hpp"
#include "search/cli/search_summary.hpp"
#include "search/comparison.hpp"
#include "search/front_svg.hpp"
#include "search/prove.hpp"
#include "search/search_config.hpp"
#include "search/search_loop.hpp"
#include "search/tabular_evaluator.hpp"
#include "search/torch_door.hpp"
#include "spaces/base/error.hpp"
#include "spaces/base/json_io.hpp"
#include "spaces/base/run_lock.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>

namespace lathe::cli {
namespace {

using nlohmann::json;
using search::Feasibility;
using search::SearchConfig;
using Tables = std::map<std::string, std::shared_ptr<const latency::LatencyTable>>;

/// The tables of a search by name, each checked to hold every block that the space can reach.
Tables load_tables(const SearchConfig& config, const spaces::SearchSpace& space) {
  Tables tables;
  for (const auto& [name, file] : config.tables) {
    auto table = std::make_shared<const latency::LatencyTable>(latency::LatencyTable::load(file));
    search::require_all_blocks(space, *table, file.string());
    tables[name] = std::move(table);
  }
  return tables;
}

/// What tells the error: a table of results or a supernet, and what that needs to live.
struct Judge {
  std::shared_ptr<search::TabularEvaluator> tabular;  ///< null: a supernet
  std::unique_ptr<search::TorchDoor> door;
  std::unique_ptr<search::TrainedSupernet> supernet;
  std::unique_ptr<search::Evaluator> of_supernet;

  search::Evaluator& evaluator() {
    if (tabular) return *tabular;
    return *of_supernet;
  }
};

/// Networks that a search may propose besides what its constraints say.
Feasibility::Options admission(const SearchConfig& config,
                               const std::shared_ptr<search::TabularEvaluator>& tabular) {
  Feasibility::Options options;
  if (!tabular) return options;
  options.identity = Feasibility::Identity::function;
  if (config.evaluator.restrict) {
    options.admits = [tabular](const spaces::Architecture& arch) {
      return tabular->contains(arch);
    };
  }
  return options;
}

/// Opens the supernet; after the budget was found to be within reach, for this is what takes time.
Judge open_judge(const SearchConfig& config, const spaces::SearchSpace& space,
                 std::shared_ptr<search::TabularEvaluator> tabular, const General& general,
                 EventSink& sink) {
  Judge judge;
  judge.tabular = std::move(tabular);
  if (judge.tabular) return judge;
  judge.door = search::open_torch_door(1);  // each network on one torch thread
  judge.supernet = judge.door->open(config.evaluator.run, configs_folder(general));
  const std::string trained = judge.supernet->space().name();
  if (judge.supernet->space().fingerprint() != space.without_pins().fingerprint()) {
    throw ConfigError(Problem{"evaluator.run " + config.evaluator.run.string(),
                              "a supernet of " + space.without_pins().name(), "one of " + trained,
                              "say --space " + trained + ", or train one for this space"});
  }
  judge.of_supernet = judge.supernet->evaluator(config.workers, sink);
  return judge;
}

/// One device that a budget is proved on, opened and found to be the table's.
struct OpenDevice {
  std::unique_ptr<latency::Device> device;
  search::ProofDevice proof;
};

/// Networks measured whole as the table's networks were, their raw samples kept in the run.
search::MeasureNetworks measuring(latency::Device& device, const latency::Protocol& protocol,
                                  std::uint64_t seed, const std::filesystem::path& folder,
                                  const std::string& table, EventSink& sink) {
  return [&device, protocol, seed, folder, table, &sink,
          calls = 0](const std::vector<latency::Item>& items) mutable {
    latency::MeasureOptions options;
    options.protocol = protocol;
    options.seed = seed;
    options.name = table;
    std::string file = "measured." + table + "." + std::to_string(++calls) + ".samples.jsonl";
    std::replace(file.begin(), file.end(), '/', '_');
    options.samples = folder / file;
    options.resume = std::filesystem::exists(options.samples);
    return latency::measure_networks(items, device, options, sink);
  };
}

std::vector<OpenDevice> open_devices(const SearchConfig& config, const Feasibility& feasibility,
                                     const Tables& tables, const General& general,
                                     const std::filesystem::path& folder, EventSink& sink) {
  std::vector<OpenDevice> devices;
  if (!config.prove.on) return devices;
  for (const auto& [name, table] : tables) {
    const bool is_alone = tables.size() == 1 && feasibility.find_cost("latency");
    const std::string cost = is_alone ? "latency" : "latency." + name;
    const auto asked = config.prove.devices.find(name);
    // A device that was asked for is measured even where no budget and no objective is of it.
    if (!feasibility.find_cost(cost) && asked == config.prove.devices.end()) continue;
    const latency::LatencyTable::Header& header = table->header();
    latency::DeviceConfig wanted = latency::find_device_config(
        asked == config.prove.devices.end() ? header.device.name : asked->second,
        configs_folder(general));
    wanted.engine = header.device.engine;
    auto device = latency::make_device(wanted, latency::probe_beside_program());
    search::require_same_device(header, config.tables.at(name).string(), device->info(),
                                header.protocol);
    const auto measure = measuring(*device, header.protocol,
                                   static_cast<std::uint64_t>(config.seed), folder, name, sink);
    const std::shared_ptr<const latency::LatencyModel> model = latency::make_table_model(table);
    const auto predict = [model](const spaces::NetworkSpec& net) { return model->predict(net); };
    devices.push_back({std::move(device), {cost, name, header.protocol.clock, measure, predict}});
  }
  return devices;
}

void record_inputs(RunDir& run, const SearchConfig& config, const Tables& tables,
                   const SearchOptions& options, const Judge& judge) {
  if (!options.config.empty()) run.add_input("config", options.config);
  for (const auto& [name, table] : tables) {
    run.add_input("table." + name, config.tables.at(name));
    run.add_fact("device." + name, to_json(table->header().device));
  }
  if (judge.tabular) {
    run.add_input("data", config.evaluator.data);
  } else {
    run.add_input("train_run", config.evaluator.run / "manifest.json");
    run.add_fact("train_run", absolute_name(config.evaluator.run));
    run.add_fact("torch", judge.door->version());
  }
}

void compare(const SearchConfig& config, const Feasibility& feasibility, Judge& judge,
             const search::Proposal& chosen, const std::vector<search::ProofDevice>& devices,
             const std::filesystem::path& folder, EventSink& sink) {
  const auto test = [&](const std::vector<spaces::NetworkSpec>& nets) {
    return judge.supernet->accuracies(nets, search::Split::test, config.workers, sink);
  };
  const json result =
      search::compare_with_uniform(feasibility, chosen, devices, test, config.compare.options);
  write_file(folder / "comparison.json", dump_json(result));
}

/// The search itself, in an open run: search, prove, draw, compare.
void search_in(RunDir& run, const SearchConfig& config, const Feasibility& feasibility,
               Judge& judge, const std::vector<OpenDevice>& opened, EventSink& sink) {
  const Rng rng(static_cast<std::uint64_t>(config.seed));
  const auto searcher = config.make_searcher(feasibility, rng.stream("searcher"));
  search::SearchSetup setup{feasibility, *searcher, judge.evaluator(), config.objectives};
  setup.evaluations = config.evaluations;
  if (config.time.count() > 0) setup.time = config.time;
  setup.chunk = config.workers;
  const search::SearchResult result = search::run_search(setup, run.folder(), sink);
  std::vector<search::ProofDevice> devices;
  for (const OpenDevice& device : opened) devices.push_back(device.proof);
  const search::ProofLimits limits{static_cast<std::size_t>(config.prove.short_list),
                                   static_cast<std::size_t>(config.prove.front_points),
                                   static_cast<std::size_t>(config.prove.batches)};
  const search::Proof proof =
      search::prove(feasibility, config.objectives, result, devices, limits);
  if (const auto plot = search::plot_of(result, feasibility, config.objectives, proof.chosen)) {
    write_file(run.file("front.svg"), search::front_svg(*plot));
  }
  search::write_proof(proof, feasibility, config.objectives, result, run.folder());
  if (!config.compare.on || !judge.supernet) return;
  if (devices.empty()) {
    const json why = {{"message", "no comparison with hand-made networks: nothing is measured"}};
    sink.event({Level::info, "search.comparison", why});
    return;
  }
  const auto& chosen = result.evaluated[static_cast<std::size_t>(proof.chosen)].proposal;
  compare(config, feasibility, judge, chosen, devices, run.folder(), sink);
}

/// Results do not depend on the number of workers, so a resume may have another one.
json config_to_open(const SearchOptions& options, json config) {
  // A run that was killed as it began may have none yet.
  const std::filesystem::path file = options.out / "config.json";
  if (!options.resume || !std::filesystem::exists(file)) return config;
  config["workers"] = search::read_search_config(RunDir::read_config(options.out), file).workers;
  return config;
}

/// Refuses at once a run that another process works on: loading tables and weights takes time.
void require_free(const std::filesystem::path& run) {
  if (std::filesystem::exists(run / "manifest.json")) const RunLock lock(run);
}

}  // namespace

void run(const General& general, const SearchOptions& options) {
  if (!options.resume) refuse_existing(options.out, "choose another name, or go on with --resume");
  if (options.resume) require_free(options.out);
  const auto name = search_config_name(options);
  const json typed = search_config_json(options);
  const json resolved = search::resolve_search_config(typed, name);
  const SearchConfig config = search::read_search_config(typed, name);
  const spaces::SearchSpace space = load_space(config.space, general);
  const auto tables = load_tables(config, space);

  ConsoleSink sink(general.quiet);
  search::LatencyModels models;
  for (const auto& [table_name, table] : tables) {
    models[table_name] = latency::make_table_model(table);
  }
  std::shared_ptr<search::TabularEvaluator> tabular;
  if (config.evaluator.kind == "tabular") {
    tabular = std::make_shared<search::TabularEvaluator>(
        search::TabularEvaluator::load(config.evaluator.data, space));
  }
  const Feasibility feasibility(space, config.objectives, config.constraints, models,
                                admission(config, tabular));
  Judge judge = open_judge(config, space, tabular, general, sink);
  const auto devices = open_devices(config, feasibility, tables, general, options.out, sink);
  RunDir folder = open_run(options, general, "search", config_to_open(options, resolved),
                           static_cast<std::uint64_t>(config.seed), config.workers, sink);
  if (!folder.is_complete()) {
    record_inputs(folder, config, tables, options, judge);
    in_run(folder, [&] {
      search_in(folder, config, feasibility, judge, devices, sink);
      return files_in(folder.folder());
    });
  }
  print_search_summary(general, folder.folder());
}

}  // namespace lathe::cli
