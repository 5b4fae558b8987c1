#include "search/cli/search_overrides.hpp"

#include "latency/latency_table.hpp"
#include "search/cli/place.hpp"
#include "search/cli/run_folder.hpp"
#include "spaces/base/config_reader.hpp"
#include "spaces/base/error.hpp"
#include "spaces/base/run_dir.hpp"
#include "supernet/training/train_config.hpp"

#include <nlohmann/json.hpp>

#include <map>
#include <string>

namespace lathe::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// Without a config: the space is the supernet's, and one cost is minimised beside the error.
json config_of_flags(const SearchOptions& options) {
  const fs::path run = options.supernet;
  const auto trained = supernet::read_train_config(RunDir::read_config(run), run / "config.json");
  return {{"format", "lathe.search"},
          {"version", 1},
          {"space", trained.space},
          {"evaluator", {{"kind", "supernet"}}}};
}

json objectives_of_flags(const SearchOptions& options, const json& config) {
  json objectives = {"error"};
  const json tables = config.value("tables", json::object());
  for (const auto& [name, file] : tables.items()) {
    objectives.push_back(tables.size() == 1 ? "latency" : "latency." + name);
  }
  if (!tables.empty()) return objectives;
  if (!options.max_params.empty() && options.max_macs.empty()) {
    objectives.push_back("params");
  } else if (!options.max_memory.empty() && options.max_macs.empty()) {
    objectives.push_back("memory");
  } else {
    objectives.push_back("macs");
  }
  return objectives;
}

/// A table that is typed takes the place of the config's of the same name.
void set_tables(json& config, const SearchOptions& options) {
  std::map<std::string, std::string> typed;
  for (const std::string& argument : options.tables) {
    const auto [given, file] = split_name(argument);
    const std::string name =
        given.empty() ? latency::LatencyTable::load(file).header().name : given;
    const auto [place, is_new] = typed.emplace(name, absolute_name(file));
    if (!is_new && place->second != absolute_name(file)) {
      throw ConfigError(Problem{"--table " + argument, "a name of its own for every table",
                                "a second \"" + name + '"', "say --table NAME=" + file});
    }
    set_key(config, {"tables", name}, absolute_name(file));
  }
}

void set_devices(json& config, const SearchOptions& options) {
  const json tables = config.value("tables", json::object());
  for (const std::string& argument : options.devices) {
    const auto [given, device] = split_name(argument);
    if (given.empty() && tables.size() != 1) {
      throw ConfigError(Problem{"--device " + argument, "NAME=DEVICE, NAME one of the tables",
                                "no name, with " + std::to_string(tables.size()) + " tables", ""});
    }
    set_key(config, {"prove", "devices", given.empty() ? tables.begin().key() : given}, device);
  }
  if (!options.no_prove) return;
  if (!options.devices.empty()) {
    throw ConfigError(Problem{"lathe search", "either --device or --no-prove", "both", ""});
  }
  set_key(config, {"prove"}, false);
}

void set_budgets(json& config, const SearchOptions& options) {
  for (const std::string& argument : options.budgets) {
    const auto [table, bound] = split_name(argument);
    set_key(config, {"constraints", table.empty() ? "latency" : "latency." + table}, bound);
  }
  const std::pair<const char*, const std::string&> bounds[] = {
      {"macs", options.max_macs}, {"params", options.max_params}, {"memory", options.max_memory}};
  for (const auto& [name, bound] : bounds) {
    if (!bound.empty()) set_key(config, {"constraints", name}, bound);
  }
}

}  // namespace

std::filesystem::path search_config_name(const SearchOptions& options) {
  return options.config.empty() ? "lathe search" : options.config;
}

json search_config_json(const SearchOptions& options) {
  const bool from_file = !options.config.empty();
  json config = from_file ? load_config(options.config, {}) : config_of_flags(options);
  if (!options.space.empty()) set_key(config, {"space"}, options.space);
  if (!options.supernet.empty()) {
    set_key(config, {"evaluator", "kind"}, "supernet");
    set_key(config, {"evaluator", "run"}, absolute_name(options.supernet));
  }
  set_tables(config, options);
  set_devices(config, options);
  set_budgets(config, options);
  if (!from_file) config["objectives"] = objectives_of_flags(options, config);
  if (options.evaluations) set_key(config, {"budget", "evaluations"}, *options.evaluations);
  if (options.seed) set_key(config, {"seed"}, *options.seed);
  if (options.threads > 0 || !from_file) {
    set_key(config, {"workers"}, threads_of(options.threads));
  }
  for (const std::string& assignment : options.overrides) apply_typed(config, assignment);
  return config;
}

}  // namespace lathe::cli
