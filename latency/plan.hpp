#pragma once

#include "latency/job.hpp"
#include "latency/latency_table.hpp"
#include "spaces/search_space.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace lathe::latency {

/// What to measure for a space's table: blocks alone, and whole networks in the same rounds.
struct Plan {
  std::string space;  ///< as it was named
  std::uint64_t space_fingerprint = 0;
  std::vector<Item> blocks;  ///< every reachable block once, in forward order of first appearance
  std::vector<Item> fit;     ///< networks that the scale is fitted on
  std::vector<Item> check;  ///< networks that the scale does not see; smallest and largest are here
};

/// How a table is measured: configs/measure/*.json.
struct MeasureConfig {
  Protocol protocol;
  int fit_networks = 8;
  int check_networks = 20;

  void read(ConfigReader& reader);
};
/// Reads a whole config, as parse_json gave it; `file` names it in messages. Throws ConfigError.
MeasureConfig read_measure_config(const nlohmann::json& config, const std::filesystem::path& file);

/// Every block that some network of the space (with its pins) contains, once per key and precision.
/// Walks all combinations of the decisions that a position depends on; ConfigError naming the space
/// and the position if these are more than 2^24.
std::vector<spaces::Placed> reachable_blocks(const spaces::SearchSpace& space);

/// Reachable blocks, and networks at even ranks by MACs among random ones (streams of the seed)
/// with the smallest and the largest at the ends. Fewer networks where the space has fewer.
Plan make_plan(const spaces::SearchSpace& space, int fit_networks, int check_networks,
               std::uint64_t seed);

/// Reachable blocks that the table lacks; a search over the space is possible where it is empty.
std::vector<spaces::Placed> missing_blocks(const LatencyTable& table,
                                           const spaces::SearchSpace& space);
/// A plan of only these blocks.
Plan make_missing_plan(const LatencyTable& table, const spaces::SearchSpace& space);

/// The protocol with evict_bytes set: as it says, or as many as the median of the plan's networks
/// has weights (0 without networks).
Protocol resolved(Protocol protocol, const Plan& plan);

/// A guess from MACs, before anything ran: right within a factor of three on a laptop's core.
Micros estimated_time(const Plan& plan, const Protocol& protocol);

}  // namespace lathe::latency
