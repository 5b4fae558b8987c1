#include "latency/protocol.hpp"

#include "spaces/base/error.hpp"

#include <nlohmann/json.hpp>

#include <cmath>
#include <limits>
#include <sstream>

namespace lathe::latency {
namespace {

constexpr Micros kLongest{3600e6};

/// A duration as ConfigReader reads it back, exactly.
std::string duration_text(Micros duration) {
  return nlohmann::json(duration.count()).dump() + "us";
}

void read_evict(ConfigReader& reader, std::optional<std::int64_t>& bytes) {
  constexpr std::int64_t kMost = std::int64_t(1) << 32;
  const std::string allowed = "\"network\" or a size up to 4GiB, such as \"24MiB\"";
  std::string word = bytes ? std::to_string(*bytes) + "B" : "network";
  reader.string("evict", word,
                "read before each timed run of a block alone: a size, or as much as a network has "
                "weights");
  bytes.reset();
  if (word == "network") return;
  try {
    bytes = parse_bytes(word, "evict");
  } catch (const ConfigError&) {
    reader.refuse("evict", allowed, "\"" + word + "\"");
  }
  if (*bytes > kMost) reader.refuse("evict", allowed, "\"" + word + "\"");
}

}  // namespace

void Protocol::read(ConfigReader& reader) {
  reader.integer("rounds", rounds, {1, 10000}, "rounds; each item is measured once in each");
  reader.integer("warm_up_runs", warm_up_runs, {0, 10000}, "untimed runs per item and round");
  reader.integer("runs", runs, {1, 100000}, "timed runs per item and round, at least");
  reader.duration("min_time", min_time, {Micros{0}, kLongest},
                  "timed per item and round, at least");
  reader.duration("max_time", max_time, {Micros{1}, kLongest},
                  "timed per item and round, at most (but one run always)");
  reader.integer("threads", threads, {1, 1024}, "threads of the engine");
  reader.integers("cores", cores, {0, 4095}, "cores to pin to; empty: not pinned");
  std::string clock_word = clock == Clock::thread_cpu ? "thread_cpu" : "steady";
  reader.word("clock", clock_word, {"thread_cpu", "steady"},
              "what ranks: CPU time of the thread (one thread only) or wall time");
  clock = clock_word == "steady" ? Clock::steady : Clock::thread_cpu;
  reader.number("quantile", quantile, {0, 1}, "the statistic of an item's samples; 0.5: median");
  read_evict(reader, evict_bytes);
  reader.integer("max_attempts", max_attempts, {1, 100},
                 "attempts at an item that kills its process, before it counts as failed");
  if (reader.describing()) return;
  if (clock == Clock::thread_cpu && threads > 1) {
    reader.refuse("clock", "\"steady\" with more than one thread",
                  "\"thread_cpu\" with " + std::to_string(threads) + " threads",
                  "thread time leaves out what the other threads do");
  }
  if (max_time < min_time) {
    reader.refuse("max_time", "at least min_time (" + text(min_time) + ")", text(max_time));
  }
}

nlohmann::json to_json(const Protocol& protocol) {
  return {{"rounds", protocol.rounds},
          {"warm_up_runs", protocol.warm_up_runs},
          {"runs", protocol.runs},
          {"min_time", duration_text(protocol.min_time)},
          {"max_time", duration_text(protocol.max_time)},
          {"threads", protocol.threads},
          {"cores", protocol.cores},
          {"clock", protocol.clock == Clock::thread_cpu ? "thread_cpu" : "steady"},
          {"quantile", protocol.quantile},
          {"evict", protocol.evict_bytes ? std::to_string(*protocol.evict_bytes) + "B" : "network"},
          {"max_attempts", protocol.max_attempts}};
}

Protocol protocol_from_json(const nlohmann::json& value, const std::string& where) {
  Protocol protocol;
  ConfigReader::read(value, where, Strictness::data,
                     [&](ConfigReader& reader) { protocol.read(reader); });
  return protocol;
}

std::string statistic_name(double quantile) {
  if (quantile == 0) return "minimum";
  if (quantile == 0.5) return "median";
  if (quantile == 1) return "maximum";
  std::ostringstream out;
  out << 'p' << quantile * 100;
  return out.str();
}

std::optional<std::string> difference(const Protocol& found, const Protocol& wanted) {
  const nlohmann::json a = to_json(found), b = to_json(wanted);
  for (const auto& [key, value] : a.items()) {
    if (value != b.at(key)) return key + ": " + value.dump() + ", not " + b.at(key).dump();
  }
  return std::nullopt;
}

}  // namespace lathe::latency
