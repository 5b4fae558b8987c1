#pragma once

#include "spaces/base/config_reader.hpp"
#include "spaces/base/units.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lathe::latency {

/// thread_cpu: CLOCK_THREAD_CPUTIME_ID less the cost of reading it, for one thread on a shared
/// host; steady: wall clock.
enum class Clock { thread_cpu, steady };

/// How items are run and timed: the same on every device. Defaults as docs/latency-accuracy.md
/// explains: one runtime per item, items shuffled anew in every round, whole networks in a warm
/// loop and blocks with caches as they find them in a network.
struct Protocol {
  int rounds = 12;          ///< every item once a round, in an order of the round's own
  int warm_up_runs = 2;     ///< per item and round, not timed
  int runs = 5;             ///< per item and round, at least
  Micros min_time{2000};    ///< per item and round, at least
  Micros max_time{200000};  ///< per item and round: ends before `runs` are reached, after 1
  int threads = 1;
  std::vector<int> cores;           ///< pinned to these; empty: not pinned
  Clock clock = Clock::thread_cpu;  ///< thread_cpu only with threads == 1
  double quantile = 0.25;  ///< the statistic that ranks everything, of all samples of an item
  /// Read before every timed run of a block alone, after which its input is touched again: in a
  /// network its input was just written, but the other blocks' weights went through the caches
  /// since it last ran. 0: a warm loop; absent: as much as the plan's median network has weights.
  std::optional<std::int64_t> evict_bytes;
  int max_attempts = 2;  ///< of an item whose process died, before it counts as failed

  /// Reads the keys of a config or of a file of ours into this; refuses what cannot go together.
  void read(ConfigReader& reader);
};
nlohmann::json to_json(const Protocol& protocol);
/// The inverse of to_json. FormatError naming `where`.
Protocol protocol_from_json(const nlohmann::json& value, const std::string& where);

/// "p25", "median": for headers and texts.
std::string statistic_name(double quantile);

/// The first key in which two protocols differ, with both values ("rounds: 12, not 10"), or
/// nullopt.
std::optional<std::string> difference(const Protocol& found, const Protocol& wanted);

}  // namespace lathe::latency
