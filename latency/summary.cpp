#include "latency/summary.hpp"

#include "latency/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

namespace lathe::latency {
namespace {

void append(std::vector<double>& to, const std::vector<Micros>& times) {
  for (const Micros time : times) to.push_back(time.count());
}

/// In whole nanoseconds, which is what the clocks count.
Micros rounded(double us) { return Micros{std::round(us * 1000) / 1000}; }

Micros quantile_of(const std::vector<double>& values, double q) {
  return values.empty() ? Micros{0} : rounded(quantile(values, q));
}

/// measured / sum of blocks, or nothing where a block has no latency.
std::optional<double> ratio(const LatencyTable& table, const NetworkMeasurement& network) {
  Micros sum{0};
  for (const spaces::Placed& block : network.net.blocks) {
    if (!table.contains(key(block.block), block.precision)) return std::nullopt;
    sum += table.at(block);
  }
  return network.entry.statistic / sum;
}

void add_networks(LatencyTable& table, const LogSection& section) {
  for (std::size_t i = 0; i < section.items.size(); ++i) {
    const Role role = section.roles[i];
    if (role != Role::fit && role != Role::check) continue;
    auto summary = summarise(section, i);
    auto* network = std::get_if<NetworkMeasurement>(&summary);
    // Without all its blocks a network says nothing about the table.
    if (network == nullptr || !ratio(table, *network)) continue;
    (role == Role::fit ? table.fit_networks : table.check_networks).push_back(std::move(*network));
  }
}

/// The median resists the one network that met a bad neighbour.
void fit_scale(LatencyTable& table) {
  std::vector<double> ratios;
  for (const auto& network : table.fit_networks) ratios.push_back(*ratio(table, network));
  table.header().scale_networks = static_cast<int>(ratios.size());
  table.header().scale = ratios.empty() ? 1 : median(ratios);
}

}  // namespace

std::optional<Failure> last_failure(const LogSection& section, std::size_t item) {
  std::optional<Failure> last;
  for (const Sample& sample : section.samples) {
    const auto* failure = std::get_if<Failure>(&sample.runs);
    if (failure != nullptr && static_cast<std::size_t>(sample.item) == item) last = *failure;
  }
  return last;
}

std::variant<NetworkMeasurement, Failure> summarise(const LogSection& section, std::size_t item) {
  std::vector<double> by_clock, wall, even, odd;
  int rounds = 0;
  for (const Sample& sample : section.samples) {
    const auto* runs = std::get_if<Sample::Runs>(&sample.runs);
    if (runs == nullptr || static_cast<std::size_t>(sample.item) != item) continue;
    ++rounds;
    append(by_clock, runs->by_clock);
    append(wall, runs->wall);
    append(sample.round % 2 == 0 ? even : odd, runs->by_clock);
  }
  if (rounds < section.protocol.rounds) {
    const auto failure = last_failure(section, item);
    if (failure) return *failure;
    return Failure{"measured in " + std::to_string(rounds) + " of " +
                   std::to_string(section.protocol.rounds) + " rounds"};
  }
  const double q = section.protocol.quantile;
  NetworkMeasurement result;
  result.network = section.items[item].name;
  result.net = section.items[item].net;
  result.entry.statistic = quantile_of(by_clock, q);
  result.entry.median = quantile_of(by_clock, 0.5);
  result.entry.wall_median = quantile_of(wall, 0.5);
  result.entry.spread = rounded(interquartile_range(by_clock));
  result.entry.samples = static_cast<int>(by_clock.size());
  result.first_half = quantile_of(even, q);
  result.second_half = quantile_of(odd, q);
  result.p90 = quantile_of(by_clock, 0.9);
  return result;
}

double residual_autocorrelation(const LogSection& section) {
  const double q = section.protocol.quantile;
  std::vector<double> statistic(section.items.size());
  for (std::size_t i = 0; i < section.items.size(); ++i) {
    const auto summary = summarise(section, i);
    if (const auto* item = std::get_if<NetworkMeasurement>(&summary)) {
      statistic[i] = item->entry.statistic.count();
    }
  }
  std::vector<double> residuals;
  for (const Sample& sample : section.samples) {
    const auto* runs = std::get_if<Sample::Runs>(&sample.runs);
    const double whole = statistic[static_cast<std::size_t>(sample.item)];
    if (runs == nullptr || whole <= 0) continue;
    std::vector<double> times;
    append(times, runs->by_clock);
    residuals.push_back(std::log(quantile(std::move(times), q) / whole));
  }
  return lag1_autocorrelation(residuals);
}

void add_blocks(LatencyTable& table, const LogSection& section) {
  for (std::size_t i = 0; i < section.items.size(); ++i) {
    if (section.roles[i] != Role::block) continue;
    const spaces::Placed& block = section.items[i].net.blocks.front();
    const std::string text = key(block.block);
    auto& failures = table.failures;
    failures.erase(std::remove_if(failures.begin(), failures.end(),
                                  [&](const FailedBlock& failed) {
                                    return failed.key == text &&
                                           failed.precision == block.precision;
                                  }),
                   failures.end());
    const auto summary = summarise(section, i);
    if (const auto* failure = std::get_if<Failure>(&summary)) {
      failures.push_back({text, block.precision, failure->reason});
    } else {
      table.set(text, block.precision, std::get<NetworkMeasurement>(summary).entry);
    }
  }
}

LatencyTable summarise_table(const std::vector<LogSection>& sections, const std::string& samples,
                             const std::string& where) {
  const LogSection& first = sections.front();
  LatencyTable::Header header;
  static_cast<Origin&>(header) = static_cast<const Origin&>(first);
  header.samples = samples;
  header.residual_autocorrelation = residual_autocorrelation(first);
  LatencyTable table(std::move(header));
  for (std::size_t i = 0; i < sections.size(); ++i) {
    auto differs = difference(sections[i].device, first.device);
    if (!differs) differs = difference(sections[i].protocol, first.protocol);
    if (differs) {
      throw FormatError(Problem{where, "sections of one device and protocol",
                                "section " + std::to_string(i + 1) + " with " + *differs, ""});
    }
    add_blocks(table, sections[i]);
    // Only the first section's networks ran in the same rounds as the blocks that they calibrate.
    if (i == 0) {
      add_networks(table, first);
      fit_scale(table);
    }
  }
  return table;
}

}  // namespace lathe::latency
