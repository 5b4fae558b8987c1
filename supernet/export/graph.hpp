#pragma once

#include "spaces/network.hpp"
#include "spaces/reference.hpp"

#include <string>
#include <vector>

namespace lathe::supernet {

/// A network with its weights, as plain data: what writers, checks and checkpoints of a subnet use.
/// No torch.
struct Graph {
  spaces::Shape input;
  std::vector<spaces::Op> ops;             ///< whole network, forward order; the last is the output
  std::vector<std::string> names;          ///< per op: slot and op, "stage2.1.depthwise"; unique
  std::vector<spaces::OpWeights> weights;  ///< per op; empty where it has none
  double norm_epsilon = 1e-5;
};

/// Ops of `net` with the given weights (same length as lower(net)) and names by slot.
Graph make_graph(const spaces::NetworkSpec& net, const std::vector<std::string>& slot_names,
                 std::vector<spaces::OpWeights> weights, double norm_epsilon);

/// Batch norm of every op folded into its weights (in double); afterwards no op has `norm`.
void fold_batch_norm(Graph& graph);

/// Slow, for checks. image: channels x height x width as graph.input says; returns the logits.
std::vector<float> run_reference(const Graph& graph, const std::vector<float>& image);

}  // namespace lathe::supernet
