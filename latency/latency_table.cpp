#include "latency/latency_table.hpp"

#include "latency/latency_model.hpp"
#include "latency/statistics.hpp"
#include "spaces/base/json_io.hpp"
#include "spaces/base/json_text.hpp"

#include <nlohmann/json.hpp>

#include <cmath>
#include <limits>
#include <memory>

namespace lathe::latency {
namespace {

using nlohmann::json;

constexpr const char* kTableFormat = "lathe.latency-table";
constexpr const char* kMeasurementsFormat = "lathe.measurements";
constexpr int kVersion = 1;
constexpr double kLongestUs = 1e12;

void read_us(ConfigReader& reader, const std::string& key, Micros& time, double least,
             const std::string& meaning) {
  double us = 0;
  reader.required().number(key, us, {least, kLongestUs}, meaning);
  time = Micros{us};
}

void read_entry(ConfigReader& reader, Entry& entry) {
  // The least that is accepted is not 0: a latency of 0 would win every search.
  read_us(reader, "statistic_us", entry.statistic, 1e-3, "the protocol's quantile");
  read_us(reader, "median_us", entry.median, 1e-3, "median by the clock");
  read_us(reader, "wall_median_us", entry.wall_median, 1e-3, "median of wall time");
  read_us(reader, "spread_us", entry.spread, 0, "interquartile range by the clock");
  reader.required().integer("samples", entry.samples, {1, std::numeric_limits<int>::max()},
                            "runs summarised");
}

json entry_json(const Entry& entry) {
  return {{"statistic_us", entry.statistic.count()},
          {"median_us", entry.median.count()},
          {"wall_median_us", entry.wall_median.count()},
          {"spread_us", entry.spread.count()},
          {"samples", entry.samples}};
}

json networks_json(const std::vector<NetworkMeasurement>& networks) {
  json list = json::array();
  for (const NetworkMeasurement& network : networks) {
    json value = entry_json(network.entry);
    value["network"] = network.network;
    value["net"] = to_json(network.net);
    value["first_half_us"] = network.first_half.count();
    value["second_half_us"] = network.second_half.count();
    value["p90_us"] = network.p90.count();
    list.push_back(std::move(value));
  }
  return list;
}

void read_networks(ConfigReader& reader, const std::string& key, const std::string& where,
                   std::vector<NetworkMeasurement>& networks, const std::string& meaning) {
  reader.required().objects(
      key,
      [&](ConfigReader& r, std::size_t index) {
        NetworkMeasurement network;
        json net;
        r.required().string("network", network.network, "text form");
        r.required().any("net", net, "blocks and wiring");
        network.net = network_from_json(
            net, place_in(where, "/") + key + "/" + std::to_string(index) + "/net");
        read_entry(r, network.entry);
        read_us(r, "first_half_us", network.first_half, 0, "statistic over even rounds");
        read_us(r, "second_half_us", network.second_half, 0, "statistic over odd rounds");
        read_us(r, "p90_us", network.p90, 1e-3, "0.9 quantile by the clock");
        networks.push_back(std::move(network));
      },
      meaning);
}

void read_header(ConfigReader& reader, const std::string& where, LatencyTable::Header& header) {
  read_head(reader, where, kTableFormat, kVersion, header);
  reader.required().number("scale", header.scale, {1e-3, 1e3}, "measured / sum of blocks");
  reader.required().integer("scale_networks", header.scale_networks, {0, 1000000},
                            "networks that the scale was fitted on");
  reader.required().number("residual_autocorrelation", header.residual_autocorrelation, {-1, 1},
                           "of neighbouring samples");
  reader.required().string("samples", header.samples, "file of the raw samples; may be empty");
}

void read_entries(ConfigReader& reader, const std::string& where, LatencyTable& table) {
  reader.required().objects(
      "entries",
      [&](ConfigReader& r, std::size_t index) {
        std::string text, precision;
        Entry entry;
        r.required().string("key", text, "block key");
        r.required().word("precision", precision, {"fp32", "fp16", "int8"}, "precision");
        read_entry(r, entry);
        const auto place = place_in(where, "/entries/") + std::to_string(index);
        const auto parsed = spaces::parse_precision(precision, place);
        spaces::parse_key(text, place + "/key");  // refuses what is not canonical
        if (table.contains(text, parsed))
          r.refuse("key", "each block once", "\"" + text + "\" again");
        table.set(text, parsed, entry);
      },
      "latency of each block");
}

void read_failures(ConfigReader& reader, const std::string& where, LatencyTable& table) {
  reader.required().objects(
      "failures",
      [&](ConfigReader& r, std::size_t) {
        FailedBlock failed;
        std::string precision;
        r.required().string("key", failed.key, "block key");
        r.required().word("precision", precision, {"fp32", "fp16", "int8"}, "precision");
        r.required().string("reason", failed.reason, "why there is no latency");
        failed.precision = spaces::parse_precision(precision, where);
        table.failures.push_back(std::move(failed));
      },
      "blocks that could not be measured");
}

}  // namespace

LatencyTable::LatencyTable(Header header) : header_(std::move(header)) {}

LatencyTable LatencyTable::load(const std::filesystem::path& file) {
  return parse(read_file(file), file);
}

LatencyTable LatencyTable::parse(std::string_view text, const std::filesystem::path& file) {
  LatencyTable table{Header{}};
  const std::string where = file.string();
  ConfigReader::read(parse_json(text, where, Comments::refused), file, Strictness::data,
                     [&](ConfigReader& reader) {
                       read_header(reader, where, table.header_);
                       read_entries(reader, where, table);
                       read_failures(reader, where, table);
                       read_networks(reader, "fit_networks", where, table.fit_networks,
                                     "networks that the scale was fitted on");
                       read_networks(reader, "check_networks", where, table.check_networks,
                                     "networks that the scale has not seen");
                     });
  table.file_ = where;
  return table;
}

void LatencyTable::save(const std::filesystem::path& file) const {
  json value = head_json(kTableFormat, kVersion, header_);
  value["scale"] = header_.scale;
  value["scale_networks"] = header_.scale_networks;
  value["residual_autocorrelation"] = header_.residual_autocorrelation;
  value["samples"] = header_.samples;
  json entries = json::array();
  for (const auto& [place, entry] : entries_) {
    json line = entry_json(entry);
    line["key"] = place.first;
    line["precision"] = name_of(place.second);
    entries.push_back(std::move(line));
  }
  value["entries"] = std::move(entries);
  json failed = json::array();
  for (const FailedBlock& block : failures) {
    failed.push_back(
        {{"key", block.key}, {"precision", name_of(block.precision)}, {"reason", block.reason}});
  }
  value["failures"] = std::move(failed);
  value["fit_networks"] = networks_json(fit_networks);
  value["check_networks"] = networks_json(check_networks);
  write_file(file, dump_json(value));
}

Micros LatencyTable::at(const spaces::Placed& block) const {
  const std::string text = key(block.block);
  const auto entry = entries_.find({text, block.precision});
  if (entry != entries_.end()) return entry->second.statistic;
  const std::string file = file_.empty() ? "the latency table " + header_.name : file_;
  for (const FailedBlock& failed : failures) {
    if (failed.key == text && failed.precision == block.precision) {
      throw MissingEntry(file + ": no latency for block \"" + text + "\" in " +
                         std::string(name_of(block.precision)) +
                         ": it failed when it was measured: " + failed.reason);
    }
  }
  throw MissingEntry(file + ": no latency for block \"" + text + "\" in " +
                     std::string(name_of(block.precision)) +
                     "; run `lathe measure --space SPACE --device DEVICE --missing --out " + file +
                     "` with the space that is searched");
}

bool LatencyTable::contains(const std::string& key, spaces::Precision precision) const {
  return entries_.count({key, precision}) > 0;
}

void LatencyTable::set(const std::string& key, spaces::Precision precision, const Entry& entry) {
  const double us = entry.statistic.count();
  LATHE_CHECK(std::isfinite(us) && us > 0, "the latency of " + key + " is " + std::to_string(us));
  entries_[{key, precision}] = entry;
}

TableCheck check(const LatencyTable& table, const std::vector<NetworkMeasurement>& measured) {
  const auto model = make_table_model(std::make_shared<LatencyTable>(table));
  std::vector<double> predicted, truth, first, second;
  for (const NetworkMeasurement& network : measured) {
    predicted.push_back(model->predict(network.net).count());
    truth.push_back(network.entry.statistic.count());
    // One round alone has no second half, and so no ceiling.
    if (network.first_half <= Micros{0} || network.second_half <= Micros{0}) continue;
    first.push_back(network.first_half.count());
    second.push_back(network.second_half.count());
  }
  TableCheck result;
  result.networks = static_cast<int>(measured.size());
  result.spearman = spearman(predicted, truth);
  result.kendall = kendall(predicted, truth);
  result.mape = mean_absolute_percentage_error(predicted, truth);
  result.bias = mean_relative_bias(predicted, truth);
  result.ceiling_spearman = spearman(first, second);
  result.ceiling_mape = mean_absolute_percentage_error(first, second);
  return result;
}

Measurements load_measurements(const std::filesystem::path& file) {
  return parse_measurements(read_file(file), file);
}

Measurements parse_measurements(std::string_view text, const std::filesystem::path& file) {
  Measurements result;
  const std::string where = file.string();
  ConfigReader::read(parse_json(text, where, Comments::refused), file, Strictness::data,
                     [&](ConfigReader& reader) {
                       read_head(reader, where, kMeasurementsFormat, kVersion, result);
                       read_networks(reader, "networks", where, result.networks,
                                     "whole networks, measured");
                     });
  return result;
}

void save(const Measurements& measurements, const std::filesystem::path& file) {
  json value = head_json(kMeasurementsFormat, kVersion, measurements);
  value["networks"] = networks_json(measurements.networks);
  write_file(file, dump_json(value));
}

}  // namespace lathe::latency
