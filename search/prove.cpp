#include "search/prove.hpp"

#include "latency/statistics.hpp"
#include "search/run_files.hpp"
#include "spaces/base/hash.hpp"
#include "spaces/base/json_io.hpp"
#include "spaces/cost.hpp"
#include "spaces/network_text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace lathe::search {
namespace {

using latency::NetworkMeasurement;
using nlohmann::json;

double ms(Micros time) { return Millis(time).count(); }

std::string clock_name(latency::Clock clock) {
  return clock == latency::Clock::thread_cpu ? "thread_cpu" : "steady";
}

const Evaluated& at(const SearchResult& result, int index) {
  return result.evaluated[static_cast<std::size_t>(index)];
}

/// The short list, then points of the front spread evenly along it, each network once.
std::vector<MeasuredNetwork> to_measure(const std::vector<int>& list, const ParetoFront& front,
                                        std::size_t front_points) {
  std::vector<MeasuredNetwork> networks;
  for (int index : list) networks.push_back({index, true, {}});
  const auto& points = front.points();
  const std::size_t count = std::min(front_points, points.size());
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t place = count == 1 ? 0 : i * (points.size() - 1) / (count - 1);
    const int index = points[place].index;
    if (std::find(list.begin(), list.end(), index) != list.end()) continue;
    networks.push_back({index, false, {}});
  }
  return networks;
}

/// Measures the networks from `begin` on, on one device, in one job.
void measure(std::vector<MeasuredNetwork>& networks, std::size_t begin,
             const Feasibility& feasibility, const SearchResult& result,
             const ProofDevice& device) {
  std::vector<latency::Item> items;
  for (std::size_t i = begin; i < networks.size(); ++i) {
    const Proposal& proposal = at(result, networks[i].index).proposal;
    items.push_back({spaces::to_text(feasibility.space(), proposal.arch), proposal.net});
  }
  auto outcomes = device.measure(items);
  LATHE_CHECK(outcomes.size() == items.size(), "measuring left networks out");
  const std::optional<std::size_t> cost = feasibility.find_cost(device.cost);
  for (std::size_t i = begin; i < networks.size(); ++i) {
    DeviceLatency latency{device.table, device.clock, {}, {}, std::move(outcomes[i - begin])};
    latency.predicted_ms =
        predicted_ms(device, feasibility, at(result, networks[i].index).proposal);
    if (cost) latency.budget_ms = feasibility.bounds()[*cost];
    networks[i].latencies.push_back(std::move(latency));
  }
}

/// Median of measured over predicted on one device; 1 where nothing is known.
double correction(const std::vector<MeasuredNetwork>& networks, std::size_t device) {
  std::vector<double> ratios;
  for (const MeasuredNetwork& network : networks) {
    const DeviceLatency& latency = network.latencies[device];
    const auto* measurement = std::get_if<NetworkMeasurement>(&latency.outcome);
    if (measurement != nullptr && latency.predicted_ms) {
      ratios.push_back(ms(measurement->entry.median) / *latency.predicted_ms);
    }
  }
  return ratios.empty() ? 1 : latency::median(std::move(ratios));
}

/// The next networks of `order` that are not measured yet and whose corrected prediction is within
/// every budget.
std::vector<MeasuredNetwork> next_batch(const std::vector<int>& order,
                                        const std::vector<MeasuredNetwork>& measured,
                                        const Feasibility& feasibility, const SearchResult& result,
                                        const std::vector<ProofDevice>& devices,
                                        std::size_t count) {
  std::vector<double> corrections;
  for (std::size_t d = 0; d < devices.size(); ++d) corrections.push_back(correction(measured, d));
  const auto fits = [&](const Proposal& proposal) {
    for (std::size_t d = 0; d < devices.size(); ++d) {
      const std::optional<std::size_t> cost = feasibility.find_cost(devices[d].cost);
      if (!cost || !feasibility.bounds()[*cost]) continue;
      if (proposal.costs[*cost] * corrections[d] > *feasibility.bounds()[*cost]) return false;
    }
    return true;
  };
  std::vector<MeasuredNetwork> batch;
  for (int index : order) {
    const bool is_measured =
        std::any_of(measured.begin(), measured.end(),
                    [index](const MeasuredNetwork& network) { return network.index == index; });
    if (batch.size() < count && !is_measured && fits(at(result, index).proposal)) {
      batch.push_back({index, true, {}});
    }
  }
  return batch;
}

/// Every bound of a latency has a device, and there is such a bound.
bool measures_all_bounds(const Feasibility& feasibility, const std::vector<ProofDevice>& devices) {
  bool any = false;
  for (std::size_t i = 0; i < feasibility.costs().size(); ++i) {
    const std::string& name = feasibility.costs()[i];
    if (!feasibility.bounds()[i]) continue;
    if (parse_quantity(name, name).quantity != Quantity::latency) continue;
    any = true;
    const bool measured =
        std::any_of(devices.begin(), devices.end(),
                    [&](const ProofDevice& device) { return device.cost == name; });
    if (!measured) return false;
  }
  return any;
}

json latency_json(const DeviceLatency& latency) {
  json record{{"clock", clock_name(latency.clock)}};
  if (latency.predicted_ms) record["predicted"] = *latency.predicted_ms;
  if (latency.budget_ms) record["budget"] = *latency.budget_ms;
  if (const auto* failure = std::get_if<Failure>(&latency.outcome)) {
    record["failure"] = failure->reason;
    return record;
  }
  const auto& measurement = std::get<NetworkMeasurement>(latency.outcome);
  const double measured = ms(measurement.entry.median);
  record["measured"] = measured;
  record["p90"] = ms(measurement.p90);
  record["spread"] = ms(measurement.entry.spread);
  record["wall_median"] = ms(measurement.entry.wall_median);
  record["samples"] = measurement.entry.samples;
  if (latency.predicted_ms) record["gap"] = measured / *latency.predicted_ms - 1;
  if (latency.budget_ms) {
    record["within_budget"] = latency.holds();
    record["wall_within_budget"] = ms(measurement.entry.wall_median) <= *latency.budget_ms;
  }
  return record;
}

bool is_on(const ParetoFront& front, int index) {
  return std::any_of(front.points().begin(), front.points().end(),
                     [index](const FrontPoint& point) { return point.index == index; });
}

json network_json(const MeasuredNetwork& network, const Feasibility& feasibility,
                  const std::vector<std::string>& objectives, const SearchResult& result) {
  json record = record_of(at(result, network.index), network.index, feasibility, objectives);
  json latencies = json::object();
  for (const DeviceLatency& latency : network.latencies) {
    latencies[latency.table] = latency_json(latency);
  }
  record["latency_ms"] = latencies;
  record["holds"] = network.holds();
  record["short_listed"] = network.short_listed;
  record["on_front"] = is_on(result.front, network.index);
  return record;
}

/// The contents of best.json; `networks` are those that were measured, as JSON.
json best_json(const Proof& proof, const Feasibility& feasibility,
               const std::vector<std::string>& objectives, const SearchResult& result,
               const json& networks) {
  const Evaluated& chosen = at(result, proof.chosen);
  json best = record_of(chosen, proof.chosen, feasibility, objectives);
  json list = json::array();
  for (const json& network : networks) {
    if (network.at("short_listed").get<bool>()) list.push_back(network);
    if (network.at("index") == proof.chosen) best["latency_ms"] = network.at("latency_ms");
  }
  const spaces::Count counted = spaces::count(chosen.proposal.net);
  best["format"] = "lathe.best";
  best["version"] = 1;
  best["space"] = feasibility.space().name();
  best["space_fingerprint"] = hex(feasibility.space().fingerprint());
  best["decisions"] = spaces::to_json(feasibility.space(), chosen.proposal.arch).at("decisions");
  best["accuracy"] = 1 - best.at("error").get<double>();
  best["macs"] = counted.macs;
  best["params"] = counted.params;
  best["proved"] = proof.proved;
  best["short_list"] = list;
  return best;
}

/// "local measured 21.3 ms for 20.0 ms", for the message.
std::string outcome_text(const DeviceLatency& latency) {
  if (const auto* failure = std::get_if<Failure>(&latency.outcome)) {
    return latency.table + " failed: " + failure->reason;
  }
  const auto& measurement = std::get<NetworkMeasurement>(latency.outcome);
  std::string outcome = latency.table + " measured " + text(measurement.entry.median);
  if (latency.budget_ms) outcome += " for " + text(Micros(Millis(*latency.budget_ms)));
  return outcome;
}

}  // namespace

std::optional<double> predicted_ms(const ProofDevice& device, const Feasibility& feasibility,
                                   const Proposal& proposal) {
  if (const auto cost = feasibility.find_cost(device.cost)) return proposal.costs[*cost];
  if (!device.predict) return std::nullopt;
  return ms(device.predict(proposal.net));
}

bool DeviceLatency::holds() const {
  const auto* measurement = std::get_if<NetworkMeasurement>(&outcome);
  return measurement != nullptr && (!budget_ms || ms(measurement->entry.median) <= *budget_ms);
}

bool MeasuredNetwork::holds() const {
  return std::all_of(latencies.begin(), latencies.end(),
                     [](const DeviceLatency& latency) { return latency.holds(); });
}

void require_same_device(const latency::LatencyTable::Header& table, const std::string& file,
                         const latency::DeviceInfo& device, const latency::Protocol& protocol) {
  std::string differs;
  if (const auto of_device = difference(device, table.device)) {
    differs = *of_device;
  } else if (protocol.threads != table.protocol.threads) {
    differs = "threads: " + std::to_string(protocol.threads) + ", not " +
              std::to_string(table.protocol.threads);
  } else if (protocol.clock != table.protocol.clock) {
    differs = "clock: " + clock_name(protocol.clock) + ", not " + clock_name(table.protocol.clock);
  } else if (protocol.cores != table.protocol.cores) {
    differs = "cores: others are pinned";
  }
  if (differs.empty()) return;
  throw DeviceError(file +
                    ": expected the device, engine, threads, cores and clock that the table was "
                    "measured with, got another one (" +
                    differs +
                    "); give --device [NAME=]DEVICE, measure a table there, or leave the proof out "
                    "with --no-prove");
}

std::vector<int> short_list(const SearchResult& result, const std::vector<std::string>& objectives,
                            std::size_t count) {
  const auto error = std::find(objectives.begin(), objectives.end(), "error") - objectives.begin();
  LATHE_CHECK(static_cast<std::size_t>(error) < objectives.size(),
              "a choice needs the objective error");
  std::vector<std::pair<Scores, int>> order;
  for (std::size_t i = 0; i < result.evaluated.size(); ++i) {
    const auto* scores = std::get_if<Scores>(&result.evaluated[i].scores);
    if (scores == nullptr) continue;
    Scores error_first = *scores;
    std::rotate(error_first.begin(), error_first.begin() + error, error_first.begin() + error + 1);
    order.emplace_back(std::move(error_first), static_cast<int>(i));
  }
  std::sort(order.begin(), order.end());
  if (order.size() > count) order.resize(count);
  std::vector<int> list;
  for (const auto& entry : order) list.push_back(entry.second);
  return list;
}

Proof prove(const Feasibility& feasibility, const std::vector<std::string>& objectives,
            const SearchResult& result, const std::vector<ProofDevice>& devices,
            const ProofLimits& limits) {
  const std::vector<int> order = short_list(result, objectives, result.evaluated.size());
  if (order.empty()) {
    const auto* first =
        result.evaluated.empty() ? nullptr : std::get_if<Failure>(&result.evaluated.front().scores);
    throw CheckFailed("none of the " + std::to_string(result.evaluated.size()) +
                      " evaluated networks has a result" +
                      (first == nullptr ? "" : "; the first one: " + first->reason));
  }
  Proof proof;
  if (devices.empty()) {
    proof.chosen = order.front();
    return proof;
  }
  const std::vector<int> list(
      order.begin(), order.begin() + std::ptrdiff_t(std::min(limits.short_list, order.size())));
  std::vector<MeasuredNetwork> batch = to_measure(list, result.front, limits.front_points);
  bool holds = false;
  for (std::size_t round = 0; round < limits.batches && !holds && !batch.empty(); ++round) {
    const std::size_t begin = proof.measured.size();
    proof.measured.insert(proof.measured.end(), batch.begin(), batch.end());
    for (const ProofDevice& device : devices) {
      measure(proof.measured, begin, feasibility, result, device);
    }
    holds = std::any_of(proof.measured.begin() + std::ptrdiff_t(begin), proof.measured.end(),
                        [](const MeasuredNetwork& n) { return n.short_listed && n.holds(); });
    batch = next_batch(order, proof.measured, feasibility, result, devices, limits.short_list);
  }
  for (int index : order) {
    for (const MeasuredNetwork& network : proof.measured) {
      if (proof.chosen < 0 && network.index == index && network.holds()) proof.chosen = index;
    }
  }
  proof.proved = proof.chosen >= 0 && measures_all_bounds(feasibility, devices);
  return proof;
}

void write_proof(const Proof& proof, const Feasibility& feasibility,
                 const std::vector<std::string>& objectives, const SearchResult& result,
                 const std::filesystem::path& folder) {
  json networks = json::array();
  for (const MeasuredNetwork& network : proof.measured) {
    networks.push_back(network_json(network, feasibility, objectives, result));
  }
  if (!networks.empty()) {
    write_file(folder / "measured.json",
               dump_json({{"format", "lathe.measured"}, {"version", 1}, {"networks", networks}}));
  }
  if (proof.chosen >= 0) {
    write_file(folder / "best.json",
               dump_json(best_json(proof, feasibility, objectives, result, networks)));
    return;
  }
  std::string tried;
  int count = 0;
  for (const MeasuredNetwork& network : proof.measured) {
    if (!network.short_listed) continue;
    ++count;
    for (const DeviceLatency& latency : network.latencies) {
      tried += (tried.empty() ? "" : "; ") + outcome_text(latency);
    }
  }
  throw CheckFailed("none of the " + std::to_string(count) +
                    " short-listed networks holds its budget when measured whole (" + tried +
                    "); everything is kept in " + folder.string() +
                    "; lower the budget a little, or raise prove.batches");
}

}  // namespace lathe::search
