#include "supernet/elastic/executor.hpp"

#include "spaces/base/error.hpp"
#include "supernet/elastic/depthwise.hpp"
#include "supernet/elastic/norm_activate.hpp"

#include <torch/torch.h>

#include <algorithm>

namespace lathe::supernet {
namespace {

using spaces::Act;
using spaces::NetworkOp;
using spaces::Op;
using spaces::OpKind;
using torch::Tensor;
using Norm = Execution::Norm;

/// x was made by the op itself, so without gradients it may be overwritten.
Tensor activate(Tensor x, Act act) {
  const bool in_place = !torch::GradMode::is_enabled();
  switch (act) {
    case Act::none:
      return x;
    case Act::relu:
      return x.relu_();  // its backward pass reads the result only
    case Act::relu6:
      return in_place ? at::hardtanh_(x, 0, 6) : at::hardtanh(x, 0, 6);
    case Act::hswish:
      return in_place ? at::hardswish_(x) : at::hardswish(x);
    case Act::swish:
      return in_place ? at::silu_(x) : at::silu(x);
    case Act::hsigmoid:
      return in_place ? at::hardsigmoid_(x) : at::hardsigmoid(x);
    case Act::sigmoid:
      return in_place ? x.sigmoid_() : x.sigmoid();
  }
  throw LogicError("an activation without a kernel");
}

/// Ones that become 1 / (1 - chance) with probability 1 - chance and else 0; see ForwardOptions.
Tensor random_mask(at::IntArrayRef sizes, double chance, Rng stream, const Tensor& like) {
  const Tensor mask = torch::empty(sizes, torch::kFloat);
  float* const out = mask.mutable_data_ptr<float>();
  const float kept = float(1.0 / (1.0 - chance));
  for (std::int64_t i = 0; i < mask.numel(); ++i) out[i] = stream.chance(chance) ? 0.0F : kept;
  return mask.to(like.options());
}

const Rng& random_of(const ForwardOptions& options) {
  LATHE_CHECK(options.random != nullptr, "dropout and drop-connect need a random stream");
  return *options.random;
}

Tensor convolve(const Tensor& x, const Op& op, const OpParameters& p) {
  const Tensor weight = active_weight(p, op);
  const Tensor bias =
      p.bias.defined() ? prefix(p.bias, 0, op.out.channels, slice_groups(op)) : Tensor();
  const bool pointwise = op.kernel.height == 1 && op.kernel.width == 1 && op.groups == 1;
  if (pointwise && op.in.height == 1 && op.in.width == 1)
    return at::linear(x.flatten(1), weight.flatten(1), bias).unflatten(1, {-1, 1, 1});
  if (torch::GradMode::is_enabled() && spaces::is_depthwise(op) && !bias.defined() &&
      own_gradient_pays(op, x))
    return depthwise(x, weight, op.stride.height);
  return at::conv2d(x, weight, bias, {op.stride.height, op.stride.width},
                    {(op.kernel.height - 1) / 2, (op.kernel.width - 1) / 2}, 1, op.groups);
}

/// Batch norm by the batch's statistics, which are added to `sums` times the batch's size.
Tensor normalise_and_record(const Tensor& x, const OpParameters& p, double epsilon,
                            NormSums& sums) {
  const Tensor mean = at::zeros_like(p.mean), variance = at::ones_like(p.variance);
  // With momentum 1 the running statistics become the batch's; their variance is the unbiased one.
  const Tensor y =
      at::batch_norm(x, p.gamma, p.beta, mean, variance, true, /*momentum=*/1.0, epsilon, false);
  const double images = double(x.size(0)), values = double(x.numel() / x.size(1));
  const Tensor weighted_mean = mean.to(torch::kDouble) * images;
  const Tensor weighted_variance = variance.to(torch::kDouble) * (images * (values - 1) / values);
  sums.mean = sums.mean.defined() ? sums.mean + weighted_mean : weighted_mean;
  sums.variance = sums.variance.defined() ? sums.variance + weighted_variance : weighted_variance;
  return y;
}

/// Batch norm and the op's activation.
Tensor normalise(const Tensor& x, const Op& op, const OpParameters& p, const Execution& execution,
                 std::size_t index) {
  if (execution.norm != Norm::running)
    LATHE_CHECK(x.numel() > x.size(1), op.name + ": batch norm of one value has no variance");
  if (execution.norm == Norm::record)
    return activate(normalise_and_record(x, p, execution.epsilon, (*execution.sums)[index]),
                    op.act);
  const std::int64_t channels = op.out.channels, groups = slice_groups(op);
  const bool training = execution.norm == Norm::batch;
  const double momentum = execution.options.norm_momentum;
  const auto slice = [&](const Tensor& all) { return prefix(all, 0, channels, groups); };
  const NormTensors norm{slice(p.gamma), slice(p.beta), slice(p.mean), slice(p.variance)};
  Tensor y = training && own_norm_fits(x, norm, op.act)
                 ? norm_activate(x, norm, op.act, momentum, execution.epsilon)
                 : activate(at::batch_norm(x, norm.gamma, norm.beta, norm.mean, norm.variance,
                                           training, momentum, execution.epsilon, false),
                            op.act);
  if (training && groups > 1 && channels != p.mean.size(0)) {  // these slices are copies
    const torch::NoGradGuard no_grad;
    const auto write_back = [&](const Tensor& all, const Tensor& moved) {
      all.view({groups, -1}).narrow(1, 0, channels / groups).copy_(moved.view({groups, -1}));
    };
    write_back(p.mean, norm.mean), write_back(p.variance, norm.variance);
  }
  return y;
}

Tensor apply_linear(Tensor x, const Op& op, const OpParameters& p, const Execution& execution,
                    std::size_t index) {
  x = x.flatten(1);
  if (execution.norm == Norm::batch && execution.options.dropout > 0)
    x = x * random_mask(x.sizes(), execution.options.dropout,
                        random_of(execution.options).stream("dropout", index), x);
  const Tensor bias = p.bias.defined() ? prefix(p.bias, 0, op.out.channels) : Tensor();
  return at::linear(x, active_weight(p, op).flatten(1), bias).unflatten(1, {-1, 1, 1});
}

/// depth: the block's index over the number of blocks.
Tensor add(const Tensor& branch, const Tensor& shortcut, double depth, const Execution& execution,
           std::size_t index) {
  const double chance =
      execution.norm == Norm::batch ? execution.options.drop_connect * depth : 0.0;
  if (chance <= 0) return branch + shortcut;
  return branch * random_mask({branch.size(0), 1, 1, 1}, chance,
                              random_of(execution.options).stream("drop_connect", index), branch) +
         shortcut;
}

/// The index of the last op that reads each op's output.
std::vector<std::size_t> last_readers(const std::vector<NetworkOp>& ops) {
  std::vector<std::size_t> last(ops.size(), ops.size());
  for (std::size_t i = 0; i < ops.size(); ++i)
    for (const int input : ops[i].op.inputs)
      if (input >= 0) last[static_cast<std::size_t>(input)] = i;
  return last;
}

}  // namespace

Tensor execute(const std::vector<NetworkOp>& ops,
               const std::vector<const OpParameters*>& parameters, const Tensor& images,
               const Execution& execution) {
  const Tensor first = images.contiguous(at::MemoryFormat::ChannelsLast);
  const std::vector<std::size_t> last_reader = last_readers(ops);
  const double blocks = ops.back().block + 1;
  std::vector<Tensor> done(ops.size());
  for (std::size_t i = 0; i < ops.size(); ++i) {
    const Op& op = ops[i].op;
    const auto in = [&](std::size_t input) -> const Tensor& {
      return op.inputs[input] < 0 ? first : done[static_cast<std::size_t>(op.inputs[input])];
    };
    Tensor y;
    switch (op.kind) {
      case OpKind::conv:
        y = convolve(in(0), op, *parameters[i]);
        if (op.norm) y = normalise(y, op, *parameters[i], execution, i);
        break;
      case OpKind::linear:
        y = apply_linear(in(0), op, *parameters[i], execution, i);
        break;
      case OpKind::global_pool:
        y = in(0).mean({2, 3}, /*keepdim=*/true);
        break;
      case OpKind::average_pool:  // pads odd maps, and counts the zeros: see spaces::Op
        y = at::avg_pool2d(in(0), {op.kernel.height, op.kernel.width},
                           {op.stride.height, op.stride.width},
                           {op.in.height % op.stride.height, op.in.width % op.stride.width});
        break;
      case OpKind::channel_shuffle:
        y = at::channel_shuffle(in(0), op.groups);
        break;
      case OpKind::gate_multiply:
        y = in(1) * in(0);
        break;
      case OpKind::add:
        y = add(in(0), in(1), ops[i].block / blocks, execution, i);
        break;
    }
    done[i] = op.norm ? std::move(y) : activate(std::move(y), op.act);
    for (const int input : op.inputs)
      if (input >= 0 && last_reader[static_cast<std::size_t>(input)] == i)
        done[static_cast<std::size_t>(input)] = Tensor();
  }
  return done.back();
}

}  // namespace lathe::supernet
