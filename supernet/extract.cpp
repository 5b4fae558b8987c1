#include "supernet/extract.hpp"

#include <torch/torch.h>

namespace lathe::supernet {

Subnet extract(const SupernetImpl& supernet, const spaces::NetworkSpec& net) {
  const torch::NoGradGuard no_grad;
  Subnet subnet;
  subnet.net = net;
  subnet.ops = spaces::lower(net);
  subnet.norm_epsilon = supernet.norm_epsilon();
  const std::vector<const OpParameters*> from = parameters_of(supernet, net, subnet.ops);
  for (std::size_t i = 0; i < subnet.ops.size(); ++i) {
    const spaces::Op& op = subnet.ops[i].op;
    const int slot = net.blocks[static_cast<std::size_t>(subnet.ops[i].block)].slot;
    subnet.names.push_back(supernet.slots()[static_cast<std::size_t>(slot)].name + "." + op.name);
    OpParameters& own = subnet.parameters.emplace_back();
    if (!from[i]) continue;
    const torch::Tensor weight = active_weight(*from[i], op);
    own.weight = weight.is_alias_of(from[i]->weight) ? weight.clone() : weight;
    own.kernels = {op.kernel};
    const auto copy = [&](const torch::Tensor& all) {
      return all.defined() ? prefix(all, 0, op.out.channels, slice_groups(op)).clone()
                           : torch::Tensor();
    };
    own.bias = copy(from[i]->bias);
    own.gamma = copy(from[i]->gamma), own.beta = copy(from[i]->beta);
    own.mean = copy(from[i]->mean), own.variance = copy(from[i]->variance);
  }
  return subnet;
}

}  // namespace lathe::supernet
