#pragma once

#include "spaces/search_space.hpp"
#include "supernet/export/graph.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace lathe::supernet {

/// A network with random weights and batch norm, named; what the export's tests run.
struct NamedGraph {
  std::string name;  ///< also a file name
  Graph graph;
};

/// Weights drawn per op from `seed`.
Graph random_graph(const spaces::NetworkSpec& net, const std::vector<std::string>& slot_names,
                   std::uint64_t seed);

/// "b0", "b1", ...: names for hand-made networks.
std::vector<std::string> numbered(std::size_t slots);
/// By slot index.
std::vector<std::string> slot_names(const spaces::SearchSpace& space);
/// Of configs/spaces.
spaces::SearchSpace load_space(const std::string& name);

/// Standard normal image of the graph's input size.
std::vector<float> random_image(const spaces::Shape& input, std::uint64_t seed);

/// A network of the blocks one after another.
spaces::NetworkSpec chain(const spaces::Shape& input, std::vector<spaces::BlockSpec> blocks);

/// One small network per block kind, activation and odd size: everything that the writer can write.
std::vector<NamedGraph> block_graphs();

/// Largest and smallest network of spaces that ship, the ImageNet ones at 64 px.
std::vector<NamedGraph> network_graphs();

}  // namespace lathe::supernet
