#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <string>
#include <vector>

namespace lathe::supernet {

/// Stochastic gradient descent with Nesterov's momentum (Sutskever et al. 2013 in the form of
/// PyTorch: d = gradient + decay * w; m = momentum * m + d, starting at m = d; w -= lr * (d +
/// momentum
/// * m)), made for weights that are not used in every step:
///
/// - A parameter whose gradient is undefined was in none of the step's networks: it stays as it is,
/// bit
///   for bit, and so does its momentum. No decay, no coasting.
/// - Of a parameter that is used in part (a slice), autograd gives the whole gradient with zeros
/// for the
///   rest. The rest then decays and coasts on its momentum like the slice, as in OFA's training: a
///   tensor is the unit, for slices are prefixes and the rest is used by the next larger network
///   drawn.
///
/// Weight decay leaves out biases and batch norm (has_weight_decay); kernel transforms do decay, as
/// in OFA's code.
struct Sgd {
  double momentum = 0.9;
  double weight_decay = 0;
  std::vector<std::string> names;  ///< of the parameters, in the module's order
  std::vector<at::Tensor> parameters;
  std::vector<at::Tensor> momentum_of;  ///< per parameter; undefined before its first step
};

/// Over all parameters of the module, without momentum yet.
Sgd make_sgd(const torch::nn::Module& module, double momentum, double weight_decay);

/// Makes every gradient undefined: zeros would move what is not used.
void clear_gradients(const Sgd& sgd);

/// Cuts every element of the gradients that there are to [-limit, limit].
void clip_gradients(const Sgd& sgd, double limit);

/// One step with the gradients that there are.
void step(Sgd& sgd, double lr);

}  // namespace lathe::supernet
