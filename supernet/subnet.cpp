#include "supernet/subnet.hpp"

#include "spaces/base/error.hpp"

#include <torch/torch.h>

#include <sstream>

namespace lathe::supernet {

BatchStream stream_of(const std::vector<Batch>& batches) {
  return [&batches, next = std::size_t(0)]() mutable -> std::optional<Batch> {
    if (next == batches.size()) return std::nullopt;
    return batches[next++];
  };
}

void require_images(const torch::Tensor& images, const spaces::Shape& input) {
  if (images.dim() == 4 && images.size(0) > 0 && images.size(1) == input.channels &&
      images.size(2) == input.height && images.size(3) == input.width)
    return;
  std::ostringstream expected, found;
  expected << "N x " << input.channels << " x " << input.height << " x " << input.width;
  found << images.sizes();
  throw ConfigError(Problem{"images of a batch", expected.str(), found.str(), ""});
}

torch::Tensor Subnet::forward(const torch::Tensor& images) const {
  require_images(images, net.input);
  std::vector<const OpParameters*> pointers;
  for (const OpParameters& p : parameters) pointers.push_back(&p);
  Execution execution;
  execution.epsilon = norm_epsilon;
  return execute(ops, pointers, images, execution).flatten(1);
}

Subnet Subnet::to(const torch::TensorOptions& options) const {
  Subnet moved = *this;
  for (OpParameters& p : moved.parameters)
    for (torch::Tensor* tensor : {&p.weight, &p.bias, &p.gamma, &p.beta, &p.mean, &p.variance})
      if (tensor->defined()) *tensor = tensor->to(options);
  return moved;
}

Subnet fold_batch_norm(const Subnet& subnet) {
  const torch::NoGradGuard no_grad;
  Subnet folded = subnet;
  for (std::size_t i = 0; i < folded.ops.size(); ++i) {
    spaces::Op& op = folded.ops[i].op;
    if (!op.norm) continue;
    OpParameters& p = folded.parameters[i];
    const auto type = p.weight.options();
    const torch::Tensor scale =
        p.gamma.to(torch::kDouble) / (p.variance.to(torch::kDouble) + folded.norm_epsilon).sqrt();
    torch::Tensor shift = p.beta.to(torch::kDouble) - p.mean.to(torch::kDouble) * scale;
    if (op.bias) shift += p.bias.to(torch::kDouble) * scale;
    OpParameters result;
    result.kernels = p.kernels;
    result.weight = p.weight * scale.to(type).view({-1, 1, 1, 1});
    result.bias = shift.to(type);
    p = std::move(result);
    op.norm = false, op.bias = true;
  }
  return folded;
}

}  // namespace lathe::supernet
