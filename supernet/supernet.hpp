#pragma once

#include "supernet/elastic/executor.hpp"
#include "supernet/elastic/parameters.hpp"

#include <torch/nn/pimpl.h>

#include <string_view>
#include <vector>

namespace lathe::supernet {

/// All networks of a space in one set of weights. It executes lowered ops and knows no block kind;
/// the active network is an argument of every call and never state.
///
/// Parameters are named slot, op, role: "stage2.1.depthwise." + "weight", "bias", "norm.weight",
/// "norm.bias", "norm.running_mean", "norm.running_var", "transform_7to5"; these names are the
/// checkpoint's keys. Module's train(), eval() and to() work as always.
class SupernetImpl : public torch::nn::Module {
 public:
  /// Of the space before its pins, with weights drawn from rng: see initialise() in
  /// elastic/parameters.hpp. Throws ConfigError for a slot whose ops differ in anything but size.
  SupernetImpl(const spaces::SearchSpace& space, const Rng& rng);
  SupernetImpl(const Slots& slots, const Rng& rng);
  /// For loading: weights are NaN until they are copied in.
  explicit SupernetImpl(const spaces::SearchSpace& space);
  explicit SupernetImpl(const Slots& slots);

  /// images: N x C x H x W as active.input says (any memory format); returns logits, N x classes.
  /// In evaluation mode nothing of the supernet changes, and any number of threads may call it at
  /// once. In training mode batch norm uses the batch's statistics, and the running ones of the
  /// active slice move. Throws ConfigError for a network that is no slice of this supernet, or a
  /// shape that is not active.input's.
  torch::Tensor forward(const torch::Tensor& images, const spaces::NetworkSpec& active,
                        const ForwardOptions& options = {}) const;

  /// By slot index; tensors in it are the registered ones.
  const std::vector<ElasticSlot>& slots() const { return slots_; }
  double norm_epsilon() const { return norm_epsilon_; }

 private:
  std::vector<ElasticSlot> slots_;
  double norm_epsilon_;
};
TORCH_MODULE(Supernet);

/// The weights of the slot's op for every op of `ops` (nullptr where it has none). Throws
/// ConfigError for an op that is no slice of the supernet's.
std::vector<const OpParameters*> parameters_of(const SupernetImpl& supernet,
                                               const spaces::NetworkSpec& net,
                                               const std::vector<spaces::NetworkOp>& ops);

/// Whether weight decay applies to the parameter of that name: not to biases and batch norm.
bool has_weight_decay(std::string_view parameter_name);

}  // namespace lathe::supernet
