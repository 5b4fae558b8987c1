#pragma once

#include "latency/job.hpp"
#include "latency/latency_table.hpp"
#include "search/search_loop.hpp"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace lathe::search {

/// Measures whole networks on one device, all in one job with rounds in changing order; in order.
using MeasureNetworks =
    std::function<std::vector<std::variant<latency::NetworkMeasurement, Failure>>(
        const std::vector<latency::Item>&)>;

/// One device that budgets are proved on.
struct ProofDevice {
  std::string cost;   ///< "latency" or "latency.NAME": a name in Feasibility::costs()
  std::string table;  ///< the table's name
  latency::Clock clock = latency::Clock::thread_cpu;
  MeasureNetworks measure;
  /// By the device's table, for networks of a search that had no such cost; empty: not predicted.
  std::function<Micros(const spaces::NetworkSpec&)> predict = {};
};
/// What the device's table predicts for a proposal, ms: its cost where the search had it.
std::optional<double> predicted_ms(const ProofDevice& device, const Feasibility& feasibility,
                                   const Proposal& proposal);

/// Throws DeviceError unless device, engine, engine version, threads, cores and clock are the
/// table's; `file` is the table's. The display name of a device is not compared.
void require_same_device(const latency::LatencyTable::Header& table, const std::string& file,
                         const latency::DeviceInfo& device, const latency::Protocol& protocol);

/// One network on one device.
struct DeviceLatency {
  std::string table;
  latency::Clock clock = latency::Clock::thread_cpu;
  std::optional<double> predicted_ms;  ///< by the table
  std::optional<double> budget_ms;     ///< where the search had this bound
  std::variant<latency::NetworkMeasurement, Failure> outcome;

  /// Measured, and its median by the clock is within the budget if there is one.
  bool holds() const;
};

/// A network that was measured whole.
struct MeasuredNetwork {
  int index = 0;                         ///< among the evaluated
  bool short_listed = false;             ///< else measured as a point of the front
  std::vector<DeviceLatency> latencies;  ///< per device
  bool holds() const;                    ///< on all of them
};

/// What a search ends with.
struct Proof {
  int chosen = -1;  ///< among the evaluated; -1: no network that was measured holds its budget
  bool proved =
      false;  ///< chosen, and every bound of a latency was measured (there is one at least)
  /// The short list and points of the front; behind them what further batches added.
  std::vector<MeasuredNetwork> measured;
};

/// The order in which networks are tried: feasible results by error, ties by the other objectives
/// in their order, then by index; the first `count`.
std::vector<int> short_list(const SearchResult& result, const std::vector<std::string>& objectives,
                            std::size_t count);

/// How much is measured.
struct ProofLimits {
  std::size_t short_list = 5;    ///< networks per batch
  std::size_t front_points = 8;  ///< of the front, in the first batch
  std::size_t batches = 3;
};

/// Measures the short list, with points of the front spread evenly along it (both ends are among
/// them). Where no network of the short list holds its budget, which is how a table that predicts
/// too little shows, the next batch is measured: the next ones by error whose prediction, times the
/// median of measured over predicted so far, is within the budget. Of all that hold on every device
/// the one with the lowest error (ties as in short_list) is chosen. Where no device is given
/// nothing is measured and the first of the short list is chosen, not proved. Throws CheckFailed if
/// no evaluated network has a result, and what measuring throws.
Proof prove(const Feasibility& feasibility, const std::vector<std::string>& objectives,
            const SearchResult& result, const std::vector<ProofDevice>& devices,
            const ProofLimits& limits);

/// Writes measured.json (if anything was measured) and best.json into the run. Throws CheckFailed
/// if no network of the short list holds the budget, after writing; the message has each one's
/// numbers.
void write_proof(const Proof& proof, const Feasibility& feasibility,
                 const std::vector<std::string>& objectives, const SearchResult& result,
                 const std::filesystem::path& folder);

}  // namespace lathe::search
