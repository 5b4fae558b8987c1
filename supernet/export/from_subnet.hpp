#pragma once

#include "supernet/export/graph.hpp"
#include "supernet/subnet.hpp"

namespace lathe::supernet {

/// The subnet as plain data: lowered ops, names by slot and op, weights as floats. Batch norm is
/// folded where it was folded in the subnet.
Graph graph_of(const Subnet& subnet);

}  // namespace lathe::supernet
