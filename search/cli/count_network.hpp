#pragma once

#include "latency/latency_model.hpp"
#include "search/cli/options.hpp"
#include "spaces/cost.hpp"
#include "spaces/network_text.hpp"

#include <nlohmann/json_fwd.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace lathe::cli {

/// A latency table under the name that results call it by.
struct NamedModel {
  std::string name;
  std::shared_ptr<const latency::LatencyTable> table;
  std::shared_ptr<const latency::LatencyModel> model;
};
/// Loads tables given as FILE or NAME=FILE; a table without a name has its own. ConfigError if two
/// share a name.
std::vector<NamedModel> load_models(const std::vector<std::string>& arguments);

/// The networks that stand after the flags. `space` empty: each network says which it is of. Notes
/// on stderr which lie outside their space's choices.
std::vector<spaces::NamedNetwork> read_networks(const std::vector<std::string>& arguments,
                                                const std::string& space, const General& general);
/// As above with a space that is already there (a supernet's).
std::vector<spaces::NamedNetwork> read_networks(const std::vector<std::string>& arguments,
                                                const spaces::SearchSpace& space);

/// How networks are counted.
struct Counting {
  spaces::CountOptions options;
  spaces::MemoryConvention memory = spaces::MemoryConvention::fp32;
};

/// What is known of a network without running it.
struct NetworkCount {
  std::string network;  ///< its text form
  std::string space;
  int resolution = 0;
  spaces::Count count;
  std::int64_t peak_activation_bytes = 0;
  std::vector<std::pair<std::string, Micros>> latencies;  ///< by the tables, in their order
};
NetworkCount count_network(const spaces::SearchSpace& space, const spaces::Architecture& arch,
                           const Counting& counting, const std::vector<NamedModel>& models);
nlohmann::json to_json(const NetworkCount& network);

}  // namespace lathe::cli
