#include "search/search_config.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <limits>

namespace lathe::search {
namespace {

using nlohmann::json;

/// A place in the file that is read, for messages; `pointer` without its first slash.
std::string where_of(const ConfigReader& reader, const std::string& pointer) {
  return reader.file_name().string() + ": /" + pointer;
}

/// A free-key entry that must be a text.
std::string text_entry(const ConfigReader& reader, const std::string& pointer,
                       const std::string& expected, const json& value) {
  if (value.is_string()) return value.get<std::string>();
  throw ConfigError({where_of(reader, pointer), expected, value.dump(), ""});
}

void read_evaluator(ConfigReader& r, EvaluatorConfig& evaluator) {
  r.word("kind", evaluator.kind, {"supernet", "tabular"},
         "supernet: subnets of a train run; tabular: a file of results");
  r.file("run", evaluator.run, "supernet: the folder of the train run");
  r.file("data", evaluator.data, "tabular: the file of results");
  r.boolean("restrict", evaluator.restrict, "tabular: only networks of the file are feasible");
  if (r.describing()) return;
  const bool tabular = evaluator.kind == "tabular";
  const std::filesystem::path& unused = tabular ? evaluator.run : evaluator.data;
  if (!unused.empty()) {
    r.refuse(tabular ? "run" : "data", "no such key where the kind is " + evaluator.kind,
             quote(unused.string()), "leave it out, or say the other kind");
  }
  if (evaluator.kind == "supernet" && evaluator.run.empty()) {
    r.refuse("run", "the folder of a train run", "nothing",
             "give --supernet RUN or --set evaluator.run=RUN");
  }
  if (evaluator.kind == "tabular" && evaluator.data.empty()) {
    r.refuse("data", "a file of results", "nothing", "give --set evaluator.data=FILE");
  }
}

void read_prove(ConfigReader& r, ProveConfig& prove) {
  json word;
  if (r.has("prove")) r.any("prove", word, "");
  if (word.is_boolean() && !word.get<bool>()) {
    prove.on = false;
    return;
  }
  r.section(
      "prove",
      [&prove](ConfigReader& p) {
        p.integer("short_list", prove.short_list, {1, 1000},
                  "networks measured whole, best error first");
        p.integer("front_points", prove.front_points, {0, 1000},
                  "points of the front that are measured too, spread along it");
        p.integer("batches", prove.batches, {1, 100},
                  "short lists measured, at most, until a network holds the budget");
        p.entries(
            "devices",
            [&](const std::string& name, const json& device) {
              prove.devices[name] =
                  text_entry(p, "prove/devices/" + name,
                             "a device: local, adb:SERIAL, ssh:USER@HOST or a file", device);
            },
            "device by table name; a table's own device if it is not here");
      },
      "proof of the budget by measuring; false leaves it out");
}

void read_compare(ConfigReader& r, CompareConfig& compare) {
  json word;
  if (r.has("compare")) r.any("compare", word, "");
  if (word.is_boolean() && !word.get<bool>()) return;
  compare.on = r.has("compare");
  r.object(
      "compare", [&compare](ConfigReader& c) { compare.options.read(c); },
      "comparison with hand-made networks on the test images; absent or false: none");
}

/// `name` is an objective or a constraint; `latency_name` the first one of the latency so far.
std::string names_of(const std::map<std::string, std::filesystem::path>& tables) {
  std::string names;
  for (const auto& entry : tables) names += (names.empty() ? "" : ", ") + entry.first;
  return names.empty() ? "none" : names;
}

void check_latency(const ConfigReader& r, const SearchConfig& config, const std::string& pointer,
                   const std::string& name, std::string& latency_name) {
  const std::string where = where_of(r, pointer);
  const QuantityName quantity = parse_quantity(name, where);
  if (quantity.quantity != Quantity::latency) return;
  const std::string known = names_of(config.tables);
  if (quantity.table.empty() && config.tables.size() > 1) {
    throw ConfigError(
        {where, "latency.NAME, for there are several tables: " + known, "\"latency\"", ""});
  }
  if (config.tables.empty()) {
    throw ConfigError({where, "a latency table for " + name, "no tables",
                       "give --table [NAME=]FILE or the key tables"});
  }
  if (!quantity.table.empty() && config.tables.count(quantity.table) == 0) {
    throw ConfigError(
        {where, "the name of one of the tables " + known, '"' + quantity.table + '"', ""});
  }
  if (config.tables.size() > 1) return;
  // Two names would be two costs, one with the bound and the other one measured against nothing.
  if (latency_name.empty()) latency_name = name;
  if (latency_name != name) {
    throw ConfigError({where, "one name for the latency of table " + known,
                       '"' + name + "\" beside \"" + latency_name + '"', ""});
  }
}

void check_names(const ConfigReader& r, const SearchConfig& config) {
  if (std::find(config.objectives.begin(), config.objectives.end(), "error") ==
      config.objectives.end()) {
    r.refuse("objectives", "a list with \"error\"", json(config.objectives).dump(),
             "the network with the lowest error is chosen");
  }
  std::string latency_name;
  for (std::size_t i = 0; i < config.objectives.size(); ++i) {
    const std::string pointer = "objectives/" + std::to_string(i);
    check_latency(r, config, pointer, config.objectives[i], latency_name);
    const auto first =
        std::find(config.objectives.begin(), config.objectives.end(), config.objectives[i]);
    if (first != config.objectives.begin() + std::ptrdiff_t(i)) {
      throw ConfigError({where_of(r, pointer), "every objective once",
                         '"' + config.objectives[i] + "\" again", ""});
    }
  }
  for (const Constraint& constraint : config.constraints) {
    check_latency(r, config, "constraints/" + constraint.name, constraint.name, latency_name);
  }
  if (config.compare.on && config.evaluator.kind == "tabular") {
    r.refuse("compare", "false, or a supernet as evaluator", "a comparison",
             "hand-made networks are compared on the test images of a supernet");
  }
  for (const auto& [name, device] : config.prove.devices) {
    if (config.tables.count(name) == 0) {
      throw ConfigError({where_of(r, "prove/devices/" + name), "the name of a table",
                         '"' + name + '"', "the tables are " + names_of(config.tables)});
    }
  }
}

}  // namespace

void SearchConfig::read(ConfigReader& r) {
  r.header("lathe.search", 1);
  r.required().string("space", space, "name or path of a space, with settings: tiny:classes=10");
  r.required().object(
      "evaluator", [this](ConfigReader& e) { read_evaluator(e, evaluator); },
      "what tells the error of a network");
  r.strings("objectives", objectives,
            "minimised together: error, latency, latency.NAME, macs, params, memory, size");
  r.section(
      "searcher", [this](ConfigReader& s) { make_searcher = read_searcher(s, objectives); },
      "what proposes networks");
  r.entries(
      "constraints",
      [&](const std::string& name, const json& word) {
        const std::string pointer = "constraints/" + name;
        const std::string bound = text_entry(
            r, pointer, "a text such as \"20ms\", \"300M\", \"4MiB\" or \"middle\"", word);
        constraints.push_back(parse_constraint(name, bound, where_of(r, pointer)));
      },
      "upper bounds: latency, latency.NAME (\"20ms\"), macs, params (\"300M\"), memory, size "
      "(\"4MiB\"), or \"middle\" of the reachable range");
  r.entries(
      "tables",
      [&](const std::string& name, const json& file) {
        tables[name] = r.file_name().parent_path() /
                       text_entry(r, "tables/" + name, "the name of a latency table's file", file);
      },
      "latency tables by name, {\"NAME\": FILE}");
  read_prove(r, prove);
  read_compare(r, compare);
  r.section(
      "budget",
      [this](ConfigReader& b) {
        b.integer("evaluations", evaluations, {1, 100000000}, "networks evaluated, at most");
        b.duration("time", time, {Micros{0}, Micros{std::numeric_limits<double>::max()}},
                   "wall time of the search, at most; 0s: any");
      },
      "when the search ends");
  r.integer64("seed", seed, {0, std::numeric_limits<std::int64_t>::max()},
              "of every random choice");
  r.integer("workers", workers, {1, 1024}, "networks evaluated at the same time");
  if (r.describing()) return;
  check_names(r, *this);
}

SearchConfig read_search_config(const json& config, const std::filesystem::path& file) {
  SearchConfig result;
  ConfigReader::read(config, file, Strictness::config,
                     [&](ConfigReader& reader) { result.read(reader); });
  return result;
}

std::string describe_search_config() {
  return ConfigReader::describe([](ConfigReader& reader) { SearchConfig().read(reader); });
}

json resolve_search_config(const json& config, const std::filesystem::path& file) {
  SearchConfig result;
  json resolved = ConfigReader::resolve(config, file, Strictness::config,
                                        [&](ConfigReader& reader) { result.read(reader); });
  for (const auto& [name, table] : result.tables) {
    resolved["tables"][name] = std::filesystem::absolute(table).lexically_normal().string();
  }
  return resolved;
}

}  // namespace lathe::search
