#include "supernet/export/from_subnet.hpp"

#include <torch/torch.h>

namespace lathe::supernet {
namespace {

std::vector<float> values_of(const torch::Tensor& tensor) {
  if (!tensor.defined()) return {};
  const torch::Tensor plain = tensor.detach().to(torch::kCPU, torch::kFloat).contiguous();
  const float* const first = plain.const_data_ptr<float>();
  return {first, first + plain.numel()};
}

}  // namespace

Graph graph_of(const Subnet& subnet) {
  Graph graph;
  graph.input = subnet.net.input;
  graph.names = subnet.names;
  graph.norm_epsilon = subnet.norm_epsilon;
  for (std::size_t i = 0; i < subnet.ops.size(); ++i) {
    const OpParameters& p = subnet.parameters[i];
    graph.ops.push_back(subnet.ops[i].op);
    graph.weights.push_back({values_of(p.weight), values_of(p.bias), values_of(p.gamma),
                             values_of(p.beta), values_of(p.mean), values_of(p.variance)});
  }
  return graph;
}

}  // namespace lathe::supernet
