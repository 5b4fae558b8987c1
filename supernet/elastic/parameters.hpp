#pragma once

#include "spaces/base/rng.hpp"
#include "spaces/lower.hpp"
#include "spaces/search_space.hpp"

#include <torch/nn/module.h>

#include <string>
#include <utility>
#include <vector>

namespace lathe::supernet {

/// What a supernet is made of: its slots with every block that each can hold, and what the space
/// says about all of them.
struct Slots {
  struct Slot {
    std::string name;  ///< "stage2.1"
    std::vector<spaces::BlockSpec> choices;
  };
  std::string space;        ///< for messages
  std::vector<Slot> slots;  ///< by the slot index that Placed::slot holds
  double norm_epsilon = 1e-5;
  bool kernel_transform =
      true;  ///< smaller depthwise kernels through learned matrices, else cropped
};

/// The slots of a space before its pins, so that a pinned space names the same weights.
Slots slots_of(const spaces::SearchSpace& space);

/// Weights of one op. Of a supernet's slot: at the largest size over the slot's choices; of a
/// subnet: exactly the op's. Undefined tensors where the op has none of them.
struct OpParameters {
  torch::Tensor
      weight;          ///< out x (in / groups) x kernel height x kernel width; linear: 1 x 1 kernel
  torch::Tensor bias;  ///< out
  torch::Tensor gamma, beta, mean, variance;  ///< batch norm, out each
  std::vector<spaces::Window> kernels;        ///< sizes that the weight serves, descending
  /// transforms[i] makes kernels[i + 1] from the centre of kernels[i]: a square matrix over the
  /// smaller kernel's elements, shared by all channels. Empty where smaller kernels are the centre
  /// itself.
  std::vector<torch::Tensor> transforms;
};

/// One op of a slot: what is the same for all its sizes, and its weights.
struct ElasticOp {
  spaces::OpKind kind = spaces::OpKind::conv;
  bool depthwise = false, norm = false, bias = false;
  int groups = 1;  ///< 0 where depthwise: one group per channel, whatever the width
  OpParameters parameters;
};

/// The ops of one slot, by name, in the order in which its choices first name them.
struct ElasticSlot {
  std::string name;
  std::vector<spaces::BlockSpec> choices;
  std::vector<std::pair<std::string, ElasticOp>> ops;
  /// The op of that name, or nullptr.
  const ElasticOp* find(const std::string& op_name) const;
};

/// Registers the parameters of every slot with `root`, named slot, op, role
/// ("stage2.1.depthwise.norm. running_mean"; dots are child modules), sized over the slot's choices
/// and filled with NaN, with identity for kernel transforms, gamma = 1 and beta = 0, mean 0 and
/// variance 1. Throws ConfigError for a slot whose ops of one name differ in anything but size.
std::vector<ElasticSlot> register_slots(torch::nn::Module& root, const Slots& slots);

/// Fills weights and biases: convolutions normal with deviation sqrt(2 / (kernel elements * out))
/// (He et al. 2015, fan-out; 'out' of the largest size), linear layers uniform in +-1/sqrt(in),
/// biases zero. Each tensor draws from rng.stream(its name), so its bytes depend on nothing else.
void initialise(const std::vector<ElasticSlot>& slots, const Rng& rng);

/// Throws ConfigError unless the op is a slice of the slot's op: another kind, more channels than
/// there are, a kernel that was never among the choices. `where` names the op in messages.
void require_slice(const ElasticOp& elastic, const spaces::Op& op, const std::string& where);

/// The groups that a slice of the channels of `op` has to respect: 1 for depthwise.
inline int slice_groups(const spaces::Op& op) { return spaces::is_depthwise(op) ? 1 : op.groups; }

/// The first `count` entries of a dimension; where `groups` cut it, the first count / groups of
/// each. A view, but for groups with a smaller count, where it is a copy.
torch::Tensor prefix(const torch::Tensor& tensor, std::int64_t dimension, std::int64_t count,
                     std::int64_t groups = 1);

/// The weight that `op` runs with: channel prefixes, and the kernel through every size between the
/// largest and the op's (7 -> 5 -> 3; Cai et al. 2020, section 3.3): the centre, flattened, times
/// the transposed matrix.
torch::Tensor active_weight(const OpParameters& parameters, const spaces::Op& op);

}  // namespace lathe::supernet
