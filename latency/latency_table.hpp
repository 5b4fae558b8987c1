#pragma once

#include "latency/origin.hpp"
#include "spaces/base/units.hpp"
#include "spaces/network.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lathe::latency {

/// One item's summary over all samples of all rounds.
struct Entry {
  Micros statistic{0};    ///< the protocol's quantile by its clock: what is added up
  Micros median{0};       ///< by the clock
  Micros wall_median{0};  ///< wall time of the same runs
  Micros spread{0};       ///< interquartile range by the clock
  int samples = 0;
};

/// A whole network, measured: for the fit of the scale and for checks.
struct NetworkMeasurement {
  std::string network;  ///< its text form
  spaces::NetworkSpec net;
  Entry entry;
  Micros first_half{0}, second_half{0};  ///< the statistic over even and odd rounds: the ceiling
  Micros p90{0};                         ///< by the clock
};

/// How good a table is on whole networks that its scale has not seen.
struct TableCheck {
  int networks = 0;
  double spearman = 0, kendall = 0;
  double mape = 0, bias = 0;                      ///< fractions, after the scale
  double ceiling_spearman = 0, ceiling_mape = 0;  ///< of the measurements against themselves
};

/// A block that could not be measured, and why.
struct FailedBlock {
  std::string key;
  spaces::Precision precision = spaces::Precision::fp32;
  std::string reason;
};

/// (block key, precision) -> latency on one device with one engine. The header says what made it.
class LatencyTable {
 public:
  using Key = std::pair<std::string, spaces::Precision>;
  struct Header : Origin {
    double scale = 1;        ///< measured / sum of blocks, fitted on whole networks
    int scale_networks = 0;  ///< 0: not fitted, scale is 1
    /// Lag-1 autocorrelation of the samples' residuals (log of sample over its item's statistic) in
    /// measuring order: drift of the device shows as a value far from 0.
    double residual_autocorrelation = 0;
    std::string samples;  ///< file name of the raw samples, beside the table; empty: none
  };
  /// An empty table.
  explicit LatencyTable(Header header);

  /// Throws FormatError for anything that is not a table of ours of this version and key grammar.
  static LatencyTable load(const std::filesystem::path& file);
  /// The same for the text of a file, named `file` in messages.
  static LatencyTable parse(std::string_view text, const std::filesystem::path& file);
  void save(const std::filesystem::path& file) const;

  const Header& header() const { return header_; }
  Header& header() { return header_; }
  /// The entry's statistic, without scale. MissingEntry names the key, the file and the command.
  Micros at(const spaces::Placed& block) const;
  bool contains(const std::string& key, spaces::Precision precision) const;
  /// LogicError unless the statistic is finite and positive.
  void set(const std::string& key, spaces::Precision precision, const Entry& entry);
  const std::map<Key, Entry>& entries() const { return entries_; }

  /// Held with the table: the networks of the fit and of the check, and what failed.
  std::vector<NetworkMeasurement> fit_networks, check_networks;
  std::vector<FailedBlock> failures;

 private:
  Header header_;
  std::map<Key, Entry> entries_;
  std::string file_;  ///< where it was loaded from or saved to, for messages
};

/// The table's sum times its scale on measured whole networks. MissingEntry where a block is
/// missing.
TableCheck check(const LatencyTable& table, const std::vector<NetworkMeasurement>& measured);

/// Whole networks measured on one device: what `lathe measure --nets` writes.
struct Measurements : Origin {
  std::vector<NetworkMeasurement> networks;
};
/// Throws FormatError for anything that is not a measurements file of ours.
Measurements load_measurements(const std::filesystem::path& file);
/// The same for the text of a file, named `file` in messages.
Measurements parse_measurements(std::string_view text, const std::filesystem::path& file);
void save(const Measurements& measurements, const std::filesystem::path& file);

}  // namespace lathe::latency
