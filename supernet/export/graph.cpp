#include "supernet/export/graph.hpp"

#include "spaces/base/error.hpp"

#include <set>
#include <utility>

namespace lathe::supernet {
namespace {

void check_size(const std::string& name, const char* role, std::size_t found, bool wanted,
                std::int64_t size) {
  const auto expected = wanted ? static_cast<std::size_t>(size) : std::size_t(0);
  LATHE_CHECK(found == expected, name + "." + role + ": expected " + std::to_string(expected) +
                                     " values, got " + std::to_string(found));
}

void check_weights(const std::string& name, const spaces::Op& op,
                   const spaces::OpWeights& weights) {
  const std::int64_t out = op.out.channels;
  const std::int64_t each =
      std::int64_t(op.in.channels) / op.groups * op.kernel.height * op.kernel.width;
  check_size(name, "weight", weights.weight.size(), has_weights(op), out * each);
  check_size(name, "bias", weights.bias.size(), op.bias, out);
  check_size(name, "norm.weight", weights.gamma.size(), op.norm, out);
  check_size(name, "norm.bias", weights.beta.size(), op.norm, out);
  check_size(name, "norm.running_mean", weights.mean.size(), op.norm, out);
  check_size(name, "norm.running_var", weights.variance.size(), op.norm, out);
}

}  // namespace

Graph make_graph(const spaces::NetworkSpec& net, const std::vector<std::string>& slot_names,
                 std::vector<spaces::OpWeights> weights, double norm_epsilon) {
  const std::vector<spaces::NetworkOp> ops = lower(net);
  LATHE_CHECK(ops.size() == weights.size(), "expected weights of " + std::to_string(ops.size()) +
                                                " ops, got " + std::to_string(weights.size()));
  Graph graph;
  graph.input = net.input;
  graph.norm_epsilon = norm_epsilon;
  std::set<std::string> seen;
  for (std::size_t i = 0; i < ops.size(); ++i) {
    const auto slot =
        static_cast<std::size_t>(net.blocks[static_cast<std::size_t>(ops[i].block)].slot);
    LATHE_CHECK(slot < slot_names.size(), "no name for slot " + std::to_string(slot));
    const std::string name = slot_names[slot] + "." + ops[i].op.name;
    LATHE_CHECK(seen.insert(name).second, "two ops are named " + name);
    check_weights(name, ops[i].op, weights[i]);
    graph.ops.push_back(ops[i].op);
    graph.names.push_back(name);
  }
  graph.weights = std::move(weights);
  return graph;
}

void fold_batch_norm(Graph& graph) {
  for (std::size_t i = 0; i < graph.ops.size(); ++i) {
    if (graph.ops[i].norm) {
      spaces::fold_batch_norm(graph.ops[i], graph.weights[i], graph.norm_epsilon);
    }
  }
}

std::vector<float> run_reference(const Graph& graph, const std::vector<float>& image) {
  return spaces::run_reference(graph.ops, graph.weights, {{graph.input, image}}, graph.norm_epsilon)
      .values;
}

}  // namespace lathe::supernet
