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
};

/// Throws DeviceError unless device, engine, engine version, threads, cores and clock are the
/// table's; `file` is the table's. The display name of a device is not compared.
void require_same_device(const latency::LatencyTable::Header& table, const std::string& file,
                         const latency::DeviceInfo& device, const latency::Protocol& protocol);

/// One network on one device.
struct DeviceLatency {
  std::string table;
  latency::Clock clock = latency::Clock::thread_cpu;
  std::optional<double> predicted_ms, budget_ms;  ///< where the search had this cost, this bound
  std::variant<latency::NetworkMeasurement, Failure> outcome;

  /// Measured, and its median by the clock is within the budget if there is one.
  bool holds() const;
};

/// A network that was measured whole.
struct MeasuredNetwork {
  int index = 0;  ///< among the evaluated
  bool short_listed = false, on_front = false;
  std::vector<DeviceLatency> latencies;  ///< per device
  bool holds() const;                    ///< on all of them
};

/// What a search ends with.
struct Proof {
  int chosen = -1;  ///< among the evaluated; -1: none of the short list holds its budget
  bool proved =
      false;  ///< chosen, and every bound of a latency was measured (there is one at least)
  std::vector<MeasuredNetwork> measured;  ///< the short list in its order, then points of the front
};

/// The order in which networks are tried: feasible results by error, ties by the other objectives
/// in their order, then by index; the first `count`.
std::vector<int> short_list(const SearchResult& result, const std::vector<std::string>& objectives,
                            std::size_t count);

/// Measures the short list and up to `front_points` of the front, spread evenly along it and with
/// both ends, on every device; the first of the short list whose measured median is at most the
/// bound on all devices is chosen. Where no device is given nothing is measured, the first of the
/// list is chosen and best.json says "proved": false. Throws what measuring throws.
Proof prove(const Feasibility& feasibility, const std::vector<std::string>& objectives,
            const SearchResult& result, const std::vector<ProofDevice>& devices,
            std::size_t short_list_length, std::size_t front_points);

/// Writes measured.json (if anything was measured) and best.json into the run. Throws CheckFailed
/// if no network of the short list holds the budget, after writing; the message has each one's
/// numbers.
void write_proof(const Proof& proof, const Feasibility& feasibility,
                 const std::vector<std::string>& objectives, const SearchResult& result,
                 const std::filesystem::path& folder);

}  // namespace lathe::search
