#pragma once

#include "latency/protocol.hpp"
#include "search/comparison.hpp"
#include "search/constraint.hpp"
#include "search/registry.hpp"
#include "spaces/base/config_reader.hpp"
#include "spaces/base/units.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace lathe::search {

/// What tells the error of a network.
struct EvaluatorConfig {
  std::string kind = "supernet";  ///< or "tabular"
  std::filesystem::path run;      ///< supernet: the folder of a train run
  std::filesystem::path data;     ///< tabular: the file of results
  bool restrict = true;           ///< tabular: only networks of the file are feasible
};

/// How the chosen network's budget is proved by measuring.
struct ProveConfig {
  bool on = true;
  int short_list = 5;    ///< networks measured per batch, best error first
  int front_points = 8;  ///< points of the front that are measured too, spread along it
  int batches = 3;       ///< while no network holds the budget
  std::map<std::string, std::string> devices;  ///< by table; a table's own device if not here
};

/// Comparison of the chosen network with hand-made ones, after the proof.
struct CompareConfig {
  bool on = false;
  ComparisonOptions options;
};

/// What a search does, as configs/search/*.json say ("format": "lathe.search", version 1). Needs no
/// torch, so that a config can be checked and explained without it.
struct SearchConfig {
  std::string space;
  EvaluatorConfig evaluator;
  SearcherFactory make_searcher;
  std::vector<std::string> objectives = {"error", "latency"};
  std::vector<Constraint> constraints;
  std::map<std::string, std::filesystem::path> tables;
  ProveConfig prove;
  CompareConfig compare;
  int evaluations = 1000;
  Micros time{0};  ///< wall time; 0: any
  std::int64_t seed = 1;
  int workers = 1;

  /// Reads all keys, then checks what they say together: names of objectives and constraints, that
  /// a latency has its table, that the evaluator has its files' names. ConfigError.
  void read(ConfigReader& reader);
};

/// Reads a whole config, as parse_json gave it; relative file names are relative to `file`'s
/// folder.
SearchConfig read_search_config(const nlohmann::json& config, const std::filesystem::path& file);
/// As ConfigReader::describe and resolve, for `lathe config explain search` and the run's
/// config.json.
std::string describe_search_config();
nlohmann::json resolve_search_config(const nlohmann::json& config,
                                     const std::filesystem::path& file);

}  // namespace lathe::search
