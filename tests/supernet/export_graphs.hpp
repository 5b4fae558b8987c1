#pragma once

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

/// Weights drawn per op from `seed`; slots are named "b0", "b1", ... by their index.
Graph random_graph(const spaces::NetworkSpec& net, std::uint64_t seed);

/// Standard normal image of the graph's input size.
std::vector<float> random_image(const spaces::Shape& input, std::uint64_t seed);

/// A network of the blocks one after another.
spaces::NetworkSpec chain(const spaces::Shape& input, std::vector<spaces::BlockSpec> blocks);

/// One small network per block kind, activation and odd size: everything that the writer can write.
std::vector<NamedGraph> block_graphs();

}  // namespace lathe::supernet
