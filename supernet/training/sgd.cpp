#include "supernet/training/sgd.hpp"

#include "supernet/supernet.hpp"

#include <torch/torch.h>

namespace lathe::supernet {

Sgd make_sgd(const torch::nn::Module& module, double momentum, double weight_decay) {
  Sgd sgd{momentum, weight_decay, {}, {}, {}};
  for (const auto& parameter : module.named_parameters()) {
    sgd.names.push_back(parameter.key());
    sgd.parameters.push_back(parameter.value());
  }
  sgd.momentum_of.resize(sgd.names.size());
  return sgd;
}

void clear_gradients(const Sgd& sgd) {
  for (const at::Tensor& parameter : sgd.parameters) parameter.mutable_grad() = at::Tensor();
}

void clip_gradients(const Sgd& sgd, double limit) {
  const torch::NoGradGuard no_grad;
  for (const at::Tensor& parameter : sgd.parameters)
    if (parameter.grad().defined()) parameter.mutable_grad().clamp_(-limit, limit);
}

void step(Sgd& sgd, double lr) {
  const torch::NoGradGuard no_grad;
  for (std::size_t i = 0; i < sgd.parameters.size(); ++i) {
    at::Tensor& parameter = sgd.parameters[i];
    if (!parameter.grad().defined()) continue;
    const bool decays = sgd.weight_decay > 0 && has_weight_decay(sgd.names[i]);
    at::Tensor change =
        decays ? parameter.grad().add(parameter, sgd.weight_decay) : parameter.grad();
    if (sgd.momentum > 0) {
      at::Tensor& momentum = sgd.momentum_of[i];
      if (momentum.defined()) {
        momentum.mul_(sgd.momentum).add_(change);
      } else {
        momentum = change.clone();
      }
      change = change.add(momentum, sgd.momentum);
    }
    parameter.add_(change, -lr);
  }
}

}  // namespace lathe::supernet
