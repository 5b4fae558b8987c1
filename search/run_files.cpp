#include "search/run_files.hpp"

#include "search/proposal_source.hpp"
#include "spaces/base/config_reader.hpp"
#include "spaces/base/hash.hpp"
#include "spaces/base/json_io.hpp"
#include "spaces/cost.hpp"
#include "spaces/network_text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

namespace lathe::search {
namespace {

using nlohmann::json;

constexpr const char* kStateFormat = "lathe.search-state";
constexpr int kStateVersion = 1;
constexpr double kLongestS = 1e12;

std::vector<Round> read_rounds(const ConfigReader& r, const json& list) {
  const std::string expected = "a list of [networks, seconds, seconds], networks never fewer";
  if (!list.is_array()) r.refuse("rounds", expected, list.dump());
  std::vector<Round> rounds;
  const auto is_time = [](const json& value) {
    return value.is_number() && value.get<double>() >= 0 && value.get<double>() <= kLongestS;
  };
  for (const json& one : list) {
    const std::size_t least = rounds.empty() ? 0 : rounds.back().evaluated;
    const bool is_round = one.is_array() && one.size() == 3 && one[0].is_number_unsigned() &&
                          one[0].get<std::size_t>() >= least && is_time(one[1]) && is_time(one[2]);
    if (!is_round) r.refuse("rounds", expected, one.dump());
    rounds.push_back({one[0].get<std::size_t>(), one[1].get<double>(), one[2].get<double>()});
  }
  return rounds;
}

/// Shortest text that reads back equal.
std::string number_text(double value) { return json(value).dump(); }

std::string seconds_text(double seconds) {
  char digits[32];
  std::snprintf(digits, sizeof digits, "%.3f", seconds);
  return digits;
}

LoggedResult read_line(const json& line, int number, const std::filesystem::path& where,
                       const spaces::SearchSpace& space,
                       const std::vector<std::string>& objectives) {
  LoggedResult result;
  ConfigReader::read(line, where, Strictness::data, [&](ConfigReader& r) {
    int index = 0;
    double error = 0;
    const double most = std::numeric_limits<double>::max();
    std::string network, failure;
    r.required().integer("index", index, {number - 1, number - 1}, "place in the file, from 0");
    r.required().string("network", network, "one-line text");
    read_genes(r, "genes", space, result.arch);
    r.number("error", error, {0, most}, "1 - accuracy");
    r.string("failure", failure, "why there is no result");
    r.entries(
        "costs",
        [&](const std::string& name, const json& value) {
          if (!value.is_number()) r.refuse("costs", "a number for " + quote(name), value.dump());
        },
        "what is constrained but no objective");
    Scores scores;
    if (r.has("failure")) {
      result.scores = Failure{failure};
      return;
    }
    if (!r.has("objectives")) r.refuse("", "the key objectives or failure", "neither");
    r.required().object(
        "objectives",
        [&](ConfigReader& values) {
          for (const std::string& name : objectives) {
            double value = 0;
            values.required().number(name, value, {-most, most}, "objective");
            scores.push_back(value);
          }
        },
        "values of all objectives");
    result.scores = scores;
  });
  return result;
}

/// Counts and bytes are whole numbers.
json value_of(const std::string& name, double value) {
  const Quantity quantity = parse_quantity(name, name).quantity;
  if (quantity == Quantity::error || quantity == Quantity::latency) return value;
  return std::llround(value);
}

}  // namespace

json number_or_null(double value) { return std::isfinite(value) ? json(value) : json(nullptr); }

HypervolumeBox hypervolume_box(const Feasibility& feasibility,
                               const std::vector<std::string>& objectives) {
  HypervolumeBox box;
  for (const std::string& name : objectives) {
    double ideal = 0, reference = 1;
    if (const std::optional<std::size_t> cost = feasibility.find_cost(name)) {
      ideal = feasibility.reach()[*cost].least;
      reference = 1.1 * feasibility.bounds()[*cost].value_or(feasibility.reach()[*cost].most);
    }
    box.ideal.push_back(ideal);
    box.reference.push_back(reference);
  }
  return box;
}

double share_of_box(const ParetoFront& front, const Scores& ideal, const Scores& reference) {
  double volume = 1;
  for (std::size_t i = 0; i < ideal.size(); ++i) volume *= reference[i] - ideal[i];
  return front.hypervolume(reference) / volume;
}

json record_of(const Evaluated& evaluated, int index, const Feasibility& feasibility,
               const std::vector<std::string>& objectives) {
  const Proposal& proposal = evaluated.proposal;
  json record{{"index", index},
              {"network", spaces::to_text(feasibility.space(), proposal.arch)},
              {"genes", proposal.arch.genes}};
  json costs = json::object();
  for (std::size_t i = 0; i < feasibility.costs().size(); ++i) {
    const std::string& name = feasibility.costs()[i];
    if (std::find(objectives.begin(), objectives.end(), name) == objectives.end()) {
      costs[name] = value_of(name, proposal.costs[i]);
    }
  }
  if (!costs.empty()) record["costs"] = costs;
  if (const auto* failure = std::get_if<Failure>(&evaluated.scores)) {
    record["failure"] = failure->reason;
    return record;
  }
  const Scores& scores = std::get<Scores>(evaluated.scores);
  json values = json::object();
  for (std::size_t i = 0; i < objectives.size(); ++i) {
    values[objectives[i]] = value_of(objectives[i], scores[i]);
  }
  if (values.contains("error")) record["error"] = values["error"];
  record["objectives"] = values;
  return record;
}

std::vector<LoggedResult> read_evaluated(const std::filesystem::path& file,
                                         const spaces::SearchSpace& space,
                                         const std::vector<std::string>& objectives) {
  if (!std::filesystem::exists(file)) return {};
  return parse_evaluated(read_file(file), file, space, objectives);
}

std::vector<LoggedResult> parse_evaluated(std::string_view text, const std::filesystem::path& file,
                                          const spaces::SearchSpace& space,
                                          const std::vector<std::string>& objectives) {
  std::vector<LoggedResult> results;
  parse_jsonl(text, file.string(), [&](int number, const json& line) {
    const std::string where = file.string() + ": line " + std::to_string(number);
    results.push_back(read_line(line, number, where, space, objectives));
  });
  return results;
}

json state_json(const json& setup, const SavedState& state, const Searcher& searcher) {
  json rounds = json::array();
  for (const Round& round : state.rounds) {
    rounds.push_back({round.evaluated, round.elapsed_s, round.evaluate_s});
  }
  return {{"format", kStateFormat}, {"version", kStateVersion},     {"setup", setup},
          {"rounds", rounds},       {"elapsed_s", state.elapsed_s}, {"searcher", searcher.state()}};
}

SavedState parse_state(std::string_view text, const std::filesystem::path& file, const json& setup,
                       Searcher& searcher) {
  SavedState state;
  ConfigReader::read(
      parse_json(text, file.string(), Comments::refused), file, Strictness::data,
      [&](ConfigReader& r) {
        r.header(kStateFormat, kStateVersion);
        json found, rounds;
        r.required().any("setup", found, "what is searched");
        if (found != setup) {
          throw ConfigError({file.string() + ": /setup", "the setup " + dump_json_line(setup),
                             dump_json_line(found),
                             "resume with the run's own configuration, or start a new run"});
        }
        r.required().number("elapsed_s", state.elapsed_s, {0, kLongestS}, "of the run so far");
        r.required().any("rounds", rounds, "[networks, seconds so far, seconds of evaluating]");
        state.rounds = read_rounds(r, rounds);
        r.required().object(
            "searcher", [&](ConfigReader& s) { searcher.restore(s); }, "the searcher's own");
      });
  return state;
}

std::string history_csv(const std::vector<HistoryRow>& rows) {
  std::string csv = "evaluations,hypervolume,best_error\n";
  for (const HistoryRow& row : rows) {
    csv += std::to_string(row.evaluations) + "," + number_text(row.hypervolume) + "," +
           (std::isfinite(row.best_error) ? number_text(row.best_error) : "") + "\n";
  }
  return csv;
}

std::string timing_csv(const std::vector<Round>& rounds) {
  std::string csv = "round,evaluations,elapsed_s,evaluate_s\n";
  for (std::size_t i = 0; i < rounds.size(); ++i) {
    csv += std::to_string(i + 1) + "," + std::to_string(rounds[i].evaluated) + "," +
           seconds_text(rounds[i].elapsed_s) + "," + seconds_text(rounds[i].evaluate_s) + "\n";
  }
  return csv;
}

json front_json(const SearchResult& result, const Feasibility& feasibility,
                const std::vector<std::string>& objectives) {
  json points = json::array();
  for (const FrontPoint& point : result.front.points()) {
    const Evaluated& evaluated = result.evaluated[static_cast<std::size_t>(point.index)];
    json record = record_of(evaluated, point.index, feasibility, objectives);
    const spaces::Count counted = spaces::count(evaluated.proposal.net);
    record["macs"] = counted.macs;
    record["params"] = counted.params;
    points.push_back(std::move(record));
  }
  json units = json::object(), bounds = json::object(), reach = json::object();
  json ideal = json::object(), reference = json::object();
  for (std::size_t i = 0; i < objectives.size(); ++i) {
    units[objectives[i]] = unit_of(objectives[i]);
    ideal[objectives[i]] = result.ideal[i];
    reference[objectives[i]] = result.reference[i];
  }
  for (std::size_t i = 0; i < feasibility.costs().size(); ++i) {
    const std::string& name = feasibility.costs()[i];
    if (feasibility.bounds()[i]) bounds[name] = *feasibility.bounds()[i];
    const Reach& range = feasibility.reach()[i];
    reach[name] = {{"least", range.least}, {"most", range.most}, {"exact", range.exact}};
  }
  json front{
      {"format", "lathe.front"},
      {"version", 1},
      {"space", feasibility.space().name()},
      {"space_fingerprint", hex(feasibility.space().fingerprint())},
      {"objectives", objectives},
      {"units", units},
      {"constraints", bounds},
      {"reach", reach},
      {"evaluations", result.evaluated.size()},
      {"hypervolume", {{"share", result.hypervolume}, {"ideal", ideal}, {"reference", reference}}},
      {"points", points}};
  if (!result.stopped.empty()) front["stopped"] = result.stopped;
  return front;
}

}  // namespace lathe::search
