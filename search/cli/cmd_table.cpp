#include "latency/latency_table.hpp"
#include "latency/measuring.hpp"
#include "latency/statistics.hpp"
#include "search/cli/commands.hpp"
#include "search/cli/print.hpp"
#include "search/cli/run_folder.hpp"
#include "search/cli/table_info.hpp"
#include "spaces/base/error.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <set>

namespace lathe::cli {
namespace {

using latency::LatencyTable;
using nlohmann::json;

json check_json(const latency::TableCheck& check) {
  return {{"networks", check.networks},
          {"spearman", check.spearman},
          {"kendall", check.kendall},
          {"mape", check.mape},
          {"bias", check.bias},
          {"ceiling_spearman", check.ceiling_spearman},
          {"ceiling_mape", check.ceiling_mape}};
}

std::string check_text(const latency::TableCheck& check) {
  return percent(check.mape) + " mean error (bias " + percent(check.bias) + "), Spearman " +
         digits(check.spearman, 4) + ", Kendall " + digits(check.kendall, 4);
}

std::string ceiling_text(const latency::TableCheck& check) {
  return percent(check.ceiling_mape) + " mean error, Spearman " +
         digits(check.ceiling_spearman, 4) + ": repeated measurements against each other";
}

std::string clock_text(const latency::Protocol& protocol) {
  const bool thread = protocol.clock == latency::Clock::thread_cpu;
  return thread ? "thread CPU time" : "wall clock";
}

std::string precisions_text(const LatencyTable& table) {
  std::set<std::string> words;
  for (const auto& [key, entry] : table.entries()) words.emplace(spaces::name_of(key.second));
  std::string all;
  for (const std::string& word : words) all += (all.empty() ? "" : ", ") + word;
  return all.empty() ? "none" : all;
}

void print_info(const LatencyTable& table) {
  const LatencyTable::Header& header = table.header();
  const latency::Protocol& protocol = header.protocol;
  std::vector<std::pair<std::string, std::string>> rows = {
      {"table", header.name},
      {"device", header.device.name + ", " + header.device.model + ", " + header.device.system},
      {"engine", header.device.engine + " " + header.device.engine_version},
      {"threads", std::to_string(protocol.threads)},
      {"statistic", latency::statistic_name(protocol.quantile) + " by " + clock_text(protocol) +
                        ", " + counted(protocol.rounds, "round")},
      {"space", header.space},
      {"blocks", grouped(static_cast<std::int64_t>(table.entries().size())) + " (" +
                     precisions_text(table) + "), " + std::to_string(table.failures.size()) +
                     " failed"},
      {"scale", digits(header.scale, 4) + " from " + std::to_string(header.scale_networks) +
                    " whole networks"}};
  if (!table.check_networks.empty()) {
    const auto check = latency::check(table, table.check_networks);
    rows.emplace_back("error", check_text(check) + ", on " + std::to_string(check.networks) +
                                   " networks that the scale has not seen");
    rows.emplace_back("ceiling", ceiling_text(check));
  }
  rows.emplace_back("drift", digits(header.residual_autocorrelation, 2) +
                                 " correlation of neighbouring samples (0: none)");
  rows.emplace_back("made", header.date + " by lathe " + header.build.version + " " +
                                header.build.revision.substr(0, 12) + ", seed " +
                                std::to_string(header.seed));
  print(facts_text(rows));
}

json info_json(const LatencyTable& table) {
  const LatencyTable::Header& header = table.header();
  json value = {{"name", header.name},
                {"device", to_json(header.device)},
                {"protocol", to_json(header.protocol)},
                {"statistic", latency::statistic_name(header.protocol.quantile)},
                {"space", header.space},
                {"blocks", table.entries().size()},
                {"failures", table.failures.size()},
                {"scale", header.scale},
                {"scale_networks", header.scale_networks},
                {"residual_autocorrelation", header.residual_autocorrelation},
                {"date", header.date},
                {"seed", header.seed},
                {"build", to_json(header.build)}};
  if (!table.check_networks.empty()) {
    value["check"] = check_json(latency::check(table, table.check_networks));
  }
  return value;
}

/// Notes what makes two sets of measurements incomparable; the numbers are shown all the same.
void note_difference(const std::string& first, const std::string& second,
                     const latency::DeviceInfo& device_a, const latency::DeviceInfo& device_b,
                     const latency::Protocol& protocol_a, const latency::Protocol& protocol_b) {
  for (const auto& found :
       {latency::difference(device_a, device_b), latency::difference(protocol_a, protocol_b)}) {
    if (found) {
      std::cerr << "lathe: note: " << first << " and " << second << " differ in " << *found << '\n';
    }
  }
}

struct Pair {
  LatencyTable::Key key;
  Micros a{0}, b{0};
  double ratio() const { return b / a; }
};

std::string item_text(const LatencyTable::Key& key) {
  const bool plain = key.second == spaces::Precision::fp32;
  return key.first + (plain ? "" : " " + std::string(spaces::name_of(key.second)));
}

}  // namespace

void print_table_info(const General& general, const LatencyTable& table) {
  if (general.json) {
    print_json(info_json(table));
  } else {
    print_info(table);
  }
}

void run(const General& general, const TableInfoOptions& options) {
  print_table_info(general, LatencyTable::load(options.table));
}

void run(const General& general, const TableRebuildOptions& options) {
  refuse_existing(options.out, "choose another name");
  const LatencyTable table = latency::rebuild_table(options.samples);
  table.save(options.out);
  print_table_info(general, table);
}

void run(const General& general, const TableCheckOptions& options) {
  const LatencyTable table = LatencyTable::load(options.table);
  const latency::Measurements measured = latency::load_measurements(options.against);
  note_difference(options.table, options.against, table.header().device, measured.device,
                  table.header().protocol, measured.protocol);
  const latency::TableCheck check = latency::check(table, measured.networks);
  if (general.json) {
    print_json(check_json(check));
    return;
  }
  print(facts_text({{"networks", std::to_string(check.networks)},
                    {"error", check_text(check)},
                    {"ceiling", ceiling_text(check)}}));
}

void run(const General& general, const TableDiffOptions& options) {
  const LatencyTable a = LatencyTable::load(options.a), b = LatencyTable::load(options.b);
  note_difference(options.a, options.b, a.header().device, b.header().device, a.header().protocol,
                  b.header().protocol);
  std::vector<Pair> pairs;
  std::vector<double> in_a, in_b, ratios;
  for (const auto& [key, entry] : a.entries()) {
    const auto other = b.entries().find(key);
    if (other == b.entries().end()) continue;
    pairs.push_back({key, entry.statistic, other->second.statistic});
    in_a.push_back(entry.statistic.count());
    in_b.push_back(other->second.statistic.count());
    ratios.push_back(pairs.back().ratio());
  }
  if (pairs.empty()) {
    throw MissingEntry(Problem{options.b, "blocks that " + options.a + " has too", "none",
                               "`lathe table info` says which space each is of"});
  }
  const std::size_t only_a = a.entries().size() - pairs.size();
  const std::size_t only_b = b.entries().size() - pairs.size();
  const double middle = latency::median(ratios), correlation = latency::spearman(in_a, in_b);
  // Farthest from the common ratio first: those change which network wins.
  std::stable_sort(pairs.begin(), pairs.end(), [&](const Pair& x, const Pair& y) {
    return std::abs(std::log(x.ratio() / middle)) > std::abs(std::log(y.ratio() / middle));
  });
  if (pairs.size() > 10) pairs.resize(10);
  if (general.json) {
    json farthest = json::array();
    for (const Pair& pair : pairs) {
      farthest.push_back({{"key", item_text(pair.key)},
                          {"a_us", pair.a.count()},
                          {"b_us", pair.b.count()},
                          {"ratio", pair.ratio()}});
    }
    print_json({{"common", ratios.size()},
                {"only_a", only_a},
                {"only_b", only_b},
                {"median_ratio", middle},
                {"spearman", correlation},
                {"farthest", farthest}});
    return;
  }
  print(facts_text({{"blocks in both", std::to_string(ratios.size())},
                    {"only in A", std::to_string(only_a)},
                    {"only in B", std::to_string(only_b)},
                    {"B over A", digits(middle, 4) + " (median; 10 % of the blocks below " +
                                     digits(latency::quantile(ratios, 0.1), 4) + ", 10 % above " +
                                     digits(latency::quantile(ratios, 0.9), 4) + ")"},
                    {"Spearman", digits(correlation, 4)}}));
  std::vector<std::vector<std::string>> rows;
  for (const Pair& pair : pairs) {
    rows.push_back({text(pair.a), text(pair.b), digits(pair.ratio(), 4), item_text(pair.key)});
  }
  print("\n" + table_text({{"A"}, {"B"}, {"B over A"}, {"farthest blocks", Align::left}}, rows));
}

}  // namespace lathe::cli
