#include "tests/supernet/toy.hpp"

#include <torch/torch.h>

namespace lathe::supernet {

using spaces::Act;
using spaces::BlockSpec;
using spaces::NetworkSpec;
using spaces::Placed;
using spaces::Shape;
using spaces::Shortcut;

namespace {

constexpr Shape kImage{12, 12, 3}, kMap{12, 12, 8}, kSmall{6, 6, 16};

BlockSpec stem() { return {{kImage}, 8, 1, Act::hswish, Shortcut::none, spaces::Conv{3, 1}}; }
BlockSpec bottleneck(int index, const ToyChoice& c) {
  const spaces::MbConv body{c.kernel, c.mid, true, {c.mid / 2}, 1};
  if (index == 0) return {{kMap}, 16, 2, Act::relu, Shortcut::none, body};
  return {{kSmall}, 16, 1, Act::hswish, Shortcut::identity, body};
}
BlockSpec pool() { return {{kSmall}, 16, 1, Act::none, Shortcut::none, spaces::GlobalPool{}}; }
BlockSpec classifier() { return {{{1, 1, 16}}, 5, 1, Act::none, Shortcut::none, spaces::Linear{}}; }

Placed placed(int slot, BlockSpec block) {
  Placed result;
  result.slot = slot;
  result.block = std::move(block);
  return result;
}

std::vector<BlockSpec> bottlenecks(int index) {
  std::vector<BlockSpec> result;
  for (const int kernel : kToyKernels)
    for (const int mid : kToyMids) result.push_back(bottleneck(index, {kernel, mid}));
  return result;
}

}  // namespace

Slots toy_slots(bool kernel_transform) {
  Slots result;
  result.space = "toy";
  result.kernel_transform = kernel_transform;
  result.slots = {{"stem", {stem()}},
                  {"stage1.1", bottlenecks(0)},
                  {"stage1.2", bottlenecks(1)},
                  {"pool", {pool()}},
                  {"classifier", {classifier()}}};
  return result;
}

NetworkSpec toy_net(const std::vector<ToyChoice>& choices) {
  NetworkSpec net;
  net.input = kImage;
  net.blocks.push_back(placed(0, stem()));
  for (std::size_t i = 0; i < choices.size(); ++i)
    net.blocks.push_back(placed(int(i) + 1, bottleneck(int(i), choices[i])));
  net.blocks.push_back(placed(3, pool()));
  net.blocks.push_back(placed(4, classifier()));
  return net;
}

std::vector<NetworkSpec> toy_nets() {
  std::vector<ToyChoice> choices;
  for (const int kernel : kToyKernels)
    for (const int mid : kToyMids) choices.push_back({kernel, mid});
  std::vector<NetworkSpec> nets;
  for (const ToyChoice& first : choices) {
    nets.push_back(toy_net({first}));
    for (const ToyChoice& second : choices) nets.push_back(toy_net({first, second}));
  }
  return nets;
}

Slots slots_of_blocks(const std::vector<BlockSpec>& blocks, bool kernel_transform) {
  Slots result;
  result.space = "blocks";
  result.kernel_transform = kernel_transform;
  result.slots = {{"only", blocks}};
  return result;
}

NetworkSpec net_of_block(const BlockSpec& block) {
  NetworkSpec net;
  net.input = block.in.front();
  net.blocks.push_back(placed(0, block));
  return net;
}

torch::Tensor random_images(const Shape& shape, int count, std::uint64_t seed) {
  const torch::Tensor images =
      torch::empty({count, shape.channels, shape.height, shape.width}, torch::kFloat);
  Rng rng(seed);
  for (std::int64_t i = 0; i < images.numel(); ++i)
    images.mutable_data_ptr<float>()[i] = float(rng.normal());
  return images;
}

void disturb(SupernetImpl& supernet, std::uint64_t seed) {
  const torch::NoGradGuard no_grad;
  const Rng rng(seed);
  const auto add_noise = [&](const std::string& name, torch::Tensor tensor, double deviation) {
    Rng stream = rng.stream(name);
    const torch::Tensor noise = torch::empty(tensor.sizes());
    for (std::int64_t i = 0; i < noise.numel(); ++i)
      noise.mutable_data_ptr<float>()[i] = float(deviation * stream.normal());
    tensor.add_(noise);
  };
  for (const auto& item : supernet.named_parameters())
    for (const char* part : {"transform", "norm", "bias"})
      if (item.key().find(part) != std::string::npos) {
        add_noise(item.key(), item.value(), 0.1);
        break;
      }
  for (const auto& item : supernet.named_buffers()) {
    add_noise(item.key(), item.value(), 0.3);
    if (item.key().find("running_var") != std::string::npos) item.value().abs_().add_(0.1);
  }
}

double distance(const torch::Tensor& a, const torch::Tensor& b) {
  return (a.to(torch::kDouble) - b.to(torch::kDouble)).abs().max().item<double>();
}

double relative_distance(const torch::Tensor& a, const torch::Tensor& b) {
  return distance(a, b) / b.abs().max().item<double>();
}

}  // namespace lathe::supernet
