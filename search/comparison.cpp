#include "search/comparison.hpp"

#include "search/uniform_networks.hpp"
#include "spaces/network_text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace lathe::search {
namespace {

using latency::NetworkMeasurement;
using nlohmann::json;
using spaces::Architecture;

/// 97.5 % quantile of the standard normal distribution.
constexpr double kNormalQuantile = 1.959963984540054;

/// Wilson's score interval of a proportion (1927).
std::pair<double, double> wilson(int correct, int images) {
  const double n = images, p = correct / n, z2 = kNormalQuantile * kNormalQuantile;
  const double centre = p + z2 / (2 * n);
  const double half = kNormalQuantile * std::sqrt(p * (1 - p) / n + z2 / (4 * n * n));
  return {(centre - half) / (1 + z2 / n), (centre + half) / (1 + z2 / n)};
}

std::string verdict_of(const PairedDifference& d) {
  if (d.low > 0) return "better";
  return d.high < 0 ? "worse" : "no difference";
}

double median_ms(const NetworkMeasurement& measurement) {
  return Millis(measurement.entry.median).count();
}

/// How far `proposal` is from `chosen` by prediction, as a fraction: on the device where most.
double predicted_off(const Feasibility& feasibility, const std::vector<ProofDevice>& devices,
                     const Proposal& proposal, const Proposal& chosen) {
  double most = 0;
  for (const ProofDevice& device : devices) {
    const std::optional<double> here = predicted_ms(device, feasibility, proposal);
    const std::optional<double> there = predicted_ms(device, feasibility, chosen);
    LATHE_CHECK(here && there, "the comparison needs predictions for " + device.table);
    most = std::max(most, std::abs(*here / *there - 1));
  }
  return most;
}

/// Uniform networks other than the chosen one whose predictions are near enough, the nearest first.
std::vector<Proposal> preselect(const Feasibility& feasibility, const Proposal& chosen,
                                const std::vector<ProofDevice>& devices,
                                const ComparisonOptions& options) {
  const auto uniform = uniform_networks(feasibility.space());
  if (!uniform) {
    throw ConfigError("comparison with hand-made networks: " + feasibility.space().name() +
                      " has more than " + std::to_string(kMostUniform) +
                      " networks with one choice for all decisions that end alike; leave compare "
                      "out");
  }
  std::vector<std::pair<double, Proposal>> near;
  for (const Architecture& arch : *uniform) {
    Proposal proposal = feasibility.propose(arch);
    const double off = predicted_off(feasibility, devices, proposal, chosen);
    if (off <= options.predicted_within && proposal.arch != chosen.arch) {
      near.emplace_back(off, std::move(proposal));
    }
  }
  std::stable_sort(near.begin(), near.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Proposal> first;
  for (auto& entry : near) {
    if (static_cast<int>(first.size()) < options.networks) first.push_back(std::move(entry.second));
  }
  return first;
}

}  // namespace

void ComparisonOptions::read(ConfigReader& reader) {
  reader.integer("networks", networks, {1, 1000}, "hand-made networks measured, at most");
  reader.number("predicted_within", predicted_within, {0, 1},
                "of the chosen network's predicted latency, as a fraction");
  reader.number("measured_within", measured_within, {0, 1},
                "of the chosen network's measured latency, as a fraction");
}

PairedDifference paired_difference(const std::vector<std::uint8_t>& correct_a,
                                   const std::vector<std::uint8_t>& correct_b) {
  LATHE_CHECK(!correct_a.empty() && correct_a.size() == correct_b.size(),
              "a paired comparison needs the same images");
  PairedDifference result;
  int both = 0, neither = 0;
  for (std::size_t i = 0; i < correct_a.size(); ++i) {
    const bool a = correct_a[i] != 0, b = correct_b[i] != 0;
    both += a && b;
    result.only_a += a && !b;
    result.only_b += !a && b;
    neither += !a && !b;
  }
  const int n = static_cast<int>(correct_a.size()), a = both + result.only_a,
            b = both + result.only_b;
  const double p_a = double(a) / n, p_b = double(b) / n;
  const auto [low_a, high_a] = wilson(a, n);
  const auto [low_b, high_b] = wilson(b, n);
  // Correlation of the two, made smaller by a continuity correction where it is positive.
  const double product = double(both) * neither - double(result.only_a) * result.only_b;
  const double corrected = product > 0 ? std::max(product - n / 2.0, 0.0) : product;
  const double margins = double(a) * (n - a) * double(b) * (n - b);
  const double phi = margins > 0 ? corrected / std::sqrt(margins) : 0;
  const auto joined = [phi](double x, double y) {
    return std::sqrt(std::max(x * x - 2 * phi * x * y + y * y, 0.0));
  };
  result.images = n;
  result.difference = p_a - p_b;
  result.low = result.difference - joined(p_a - low_a, high_b - p_b);
  result.high = result.difference + joined(high_a - p_a, p_b - low_b);
  return result;
}

json compare_with_uniform(const Feasibility& feasibility, const Proposal& chosen,
                          const std::vector<ProofDevice>& devices, const TestAccuracies& test,
                          const ComparisonOptions& options) {
  LATHE_CHECK(!devices.empty(), "the comparison needs a device");
  const spaces::SearchSpace& space = feasibility.space();
  std::vector<Proposal> proposals = preselect(feasibility, chosen, devices, options);
  proposals.insert(proposals.begin(), chosen);
  std::vector<latency::Item> items;
  for (const Proposal& p : proposals) items.push_back({spaces::to_text(space, p.arch), p.net});

  std::vector<json> latencies(items.size(), json::object());
  std::vector<double> off(items.size(), 0);
  std::vector<std::string> failed(items.size());
  json tables = json::array();
  for (const ProofDevice& device : devices) {
    tables.push_back(device.table);
    const auto measured = device.measure(items);
    LATHE_CHECK(measured.size() == items.size(), "measuring left networks out");
    double chosen_ms = 0;
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (const auto* failure = std::get_if<Failure>(&measured[i])) {
        failed[i] = device.table + ": " + failure->reason;
        if (i == 0) {
          throw CheckFailed("comparison: the chosen network can't be measured: " + failed[i]);
        }
        continue;
      }
      const double ms = median_ms(std::get<NetworkMeasurement>(measured[i]));
      if (i == 0) chosen_ms = ms;
      off[i] = std::max(off[i], std::abs(ms / chosen_ms - 1));
      latencies[i][device.table] = {{"predicted", *predicted_ms(device, feasibility, proposals[i])},
                                    {"measured", ms}};
    }
  }

  std::vector<std::size_t> kept{0};
  int too_far = 0;
  json failures = json::array();
  for (std::size_t i = 1; i < proposals.size(); ++i) {
    if (!failed[i].empty()) {
      failures.push_back({{"network", items[i].name}, {"failure", failed[i]}});
    } else if (off[i] <= options.measured_within) {
      kept.push_back(i);
    } else {
      ++too_far;
    }
  }
  std::vector<spaces::NetworkSpec> nets;
  for (std::size_t i : kept) nets.push_back(proposals[i].net);
  const std::vector<Accuracy> accuracies = test(nets);
  LATHE_CHECK(accuracies.size() == nets.size(), "evaluating left networks out");

  json networks = json::array();
  json chosen_record, best;
  for (std::size_t k = 0; k < kept.size(); ++k) {
    const std::size_t i = kept[k];
    json record{{"network", items[i].name},
                {"latency_ms", latencies[i]},
                {"accuracy", accuracies[k].accuracy}};
    if (k == 0) {
      chosen_record = std::move(record);
      continue;
    }
    const PairedDifference d = paired_difference(accuracies[0].correct, accuracies[k].correct);
    record["difference"] = d.difference;
    record["interval"] = {d.low, d.high};
    record["only_chosen"] = d.only_a;
    record["only_this"] = d.only_b;
    record["chosen_is"] = verdict_of(d);
    if (best.is_null() || record["accuracy"] > best["accuracy"]) best = record;
    networks.push_back(std::move(record));
  }
  return {{"format", "lathe.comparison"},
          {"version", 2},
          {"space", space.name()},
          {"tables", tables},
          {"split", "test"},
          {"images", accuracies.front().images},
          {"confidence", 0.95},
          {"interval", "Newcombe 1998, paired, method 10"},
          {"predicted_within", options.predicted_within},
          {"measured_within", options.measured_within},
          {"chosen", chosen_record},
          {"networks", networks},
          {"best_hand_made", best},
          {"measured_elsewhere", too_far},
          {"failures", failures},
          {"chosen_is", best.is_null() ? json("not compared: no hand-made network is as fast")
                                       : best["chosen_is"]}};
}

}  // namespace lathe::search
