#include "supernet/elastic/parameters.hpp"

#include "spaces/base/error.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

namespace lathe::supernet {
namespace {

using spaces::Op;
using spaces::OpKind;
using spaces::Window;
using torch::Tensor;

/// Largest sizes over the ops of one name.
struct Extent {
  int out = 0, in_per_group = 0;
  std::vector<Window> kernels;
};

/// What must be the same for all ops of one name, in words.
std::string manner(const ElasticOp& op) {
  std::ostringstream words;
  words << (op.kind == OpKind::linear ? "linear"
            : op.depthwise            ? "depthwise convolution"
                                      : "convolution");
  if (!op.depthwise && op.groups > 1) words << " in " << op.groups << " groups";
  words << (op.norm ? " with" : " without") << " batch norm and " << (op.bias ? "with" : "without")
        << " bias";
  return words.str();
}

ElasticOp manner_of(const Op& op) {
  ElasticOp elastic;
  elastic.kind = op.kind, elastic.norm = op.norm, elastic.bias = op.bias;
  elastic.depthwise = spaces::is_depthwise(op);
  elastic.groups = elastic.depthwise ? 0 : op.groups;
  return elastic;
}

bool same_manner(const ElasticOp& a, const ElasticOp& b) {
  return a.kind == b.kind && a.depthwise == b.depthwise && a.groups == b.groups &&
         a.norm == b.norm && a.bias == b.bias;
}

bool same(const Window& a, const Window& b) { return a.height == b.height && a.width == b.width; }

std::string text(const Window& kernel) {
  return std::to_string(kernel.height) + " x " + std::to_string(kernel.width);
}

bool larger(const Window& a, const Window& b) { return a.height * a.width > b.height * b.width; }

void widen(Extent& extent, const Op& op) {
  extent.out = std::max(extent.out, op.out.channels);
  extent.in_per_group = std::max(extent.in_per_group, op.in.channels / op.groups);
  const auto known = std::find_if(extent.kernels.begin(), extent.kernels.end(),
                                  [&](const Window& kernel) { return same(kernel, op.kernel); });
  if (known == extent.kernels.end()) extent.kernels.push_back(op.kernel);
}

/// The child that a path with dots leads to, made where it is not there yet.
torch::nn::Module& descendant(torch::nn::Module& root, const std::string& path) {
  const auto dot = path.find('.');
  const std::string head = path.substr(0, dot);
  const auto children = root.named_children();
  const auto* known = children.find(head);
  torch::nn::Module& child =
      known ? **known : *root.register_module(head, std::make_shared<torch::nn::Module>());
  return dot == std::string::npos ? child : descendant(child, path.substr(dot + 1));
}

OpParameters register_op(torch::nn::Module& module, const ElasticOp& op, const Extent& extent,
                         bool transform) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  OpParameters p;
  p.kernels = extent.kernels;
  const Window& largest = p.kernels.front();
  p.weight = module.register_parameter(
      "weight", torch::full({extent.out, extent.in_per_group, largest.height, largest.width}, nan));
  if (op.bias) p.bias = module.register_parameter("bias", torch::full({extent.out}, nan));
  if (op.norm) {
    torch::nn::Module& norm = descendant(module, "norm");
    p.gamma = norm.register_parameter("weight", torch::ones({extent.out}));
    p.beta = norm.register_parameter("bias", torch::zeros({extent.out}));
    p.mean = norm.register_buffer("running_mean", torch::zeros({extent.out}));
    p.variance = norm.register_buffer("running_var", torch::ones({extent.out}));
  }
  for (std::size_t i = 1; transform && op.depthwise && i < p.kernels.size(); ++i)
    p.transforms.push_back(
        module.register_parameter("transform_" + std::to_string(p.kernels[i - 1].width) + "to" +
                                      std::to_string(p.kernels[i].width),
                                  torch::eye(p.kernels[i].height * p.kernels[i].width)));
  return p;
}

ElasticSlot register_slot(torch::nn::Module& root, const Slots& slots, const Slots::Slot& slot) {
  ElasticSlot result;
  result.name = slot.name;
  result.choices = slot.choices;
  std::vector<Extent> extents;
  for (const spaces::BlockSpec& choice : slot.choices)
    for (const Op& op : spaces::lower(choice)) {
      if (!spaces::has_weights(op)) continue;
      const ElasticOp found = manner_of(op);
      const ElasticOp* first = result.find(op.name);
      if (!first) {
        result.ops.emplace_back(op.name, found);
        extents.emplace_back();
      } else if (!same_manner(*first, found)) {
        throw ConfigError(Problem{"space " + slots.space + ", slot " + slot.name + "." + op.name,
                                  "choices that differ in size only, as they share weights",
                                  manner(*first) + " and " + manner(found),
                                  "give these choices separate weights in the space"});
      }
      const auto place = std::find_if(result.ops.begin(), result.ops.end(),
                                      [&](const auto& o) { return o.first == op.name; });
      widen(extents[static_cast<std::size_t>(place - result.ops.begin())], op);
    }
  for (std::size_t i = 0; i < result.ops.size(); ++i) {
    auto& [name, op] = result.ops[i];
    std::sort(extents[i].kernels.begin(), extents[i].kernels.end(), larger);
    op.parameters = register_op(descendant(root, slot.name + "." + name), op, extents[i],
                                slots.kernel_transform);
  }
  return result;
}

template <typename Draw>
void fill(const Tensor& tensor, const Draw& draw) {
  const Tensor values = torch::empty(tensor.sizes(), torch::kFloat);
  float* const out = values.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < values.numel(); ++i) out[i] = float(draw());
  tensor.copy_(values);
}

}  // namespace

Slots slots_of(const spaces::SearchSpace& pinned) {
  const spaces::SearchSpace space = pinned.without_pins();
  Slots result;
  result.space = space.name();
  for (int slot = 0; slot < space.slots(); ++slot)
    result.slots.push_back({space.slot_name(slot), space.slot_choices(slot)});
  result.norm_epsilon = space.norm_epsilon();
  result.kernel_transform = space.kernel_transform();
  return result;
}

const ElasticOp* ElasticSlot::find(const std::string& op_name) const {
  const auto place =
      std::find_if(ops.begin(), ops.end(), [&](const auto& op) { return op.first == op_name; });
  return place == ops.end() ? nullptr : &place->second;
}

std::vector<ElasticSlot> register_slots(torch::nn::Module& root, const Slots& slots) {
  std::vector<ElasticSlot> result;
  for (const Slots::Slot& slot : slots.slots) result.push_back(register_slot(root, slots, slot));
  return result;
}

void initialise(const std::vector<ElasticSlot>& slots, const Rng& rng) {
  const torch::NoGradGuard no_grad;
  for (const ElasticSlot& slot : slots)
    for (const auto& [name, op] : slot.ops) {
      const OpParameters& p = op.parameters;
      Rng stream = rng.stream(slot.name + "." + name + ".weight");
      const double out = double(p.weight.size(0)), in = double(p.weight.size(1));
      const double area = double(p.weight.size(2) * p.weight.size(3));
      if (op.kind == OpKind::linear) {
        const double bound = 1.0 / std::sqrt(in);
        fill(p.weight, [&] { return bound * (2.0 * stream.uniform() - 1.0); });
      } else {
        const double deviation = std::sqrt(2.0 / (area * out));
        fill(p.weight, [&] { return deviation * stream.normal(); });
      }
      if (p.bias.defined()) p.bias.zero_();
    }
}

void require_slice(const ElasticOp& elastic, const Op& op, const std::string& where) {
  const auto refuse = [&](const std::string& expected, const std::string& found) {
    throw ConfigError(Problem{where, expected, found,
                              "only networks of the space that the supernet was made for have "
                              "weights in it"});
  };
  const ElasticOp found = manner_of(op);
  if (!same_manner(elastic, found)) refuse(manner(elastic), manner(found));
  const OpParameters& p = elastic.parameters;
  const auto require_channels = [&](const char* which, std::int64_t most, int count) {
    if (count > most)
      refuse("at most " + std::to_string(most) + " " + which + " channels", std::to_string(count));
  };
  require_channels("output", p.weight.size(0), op.out.channels);
  require_channels("input", p.weight.size(1) * op.groups, op.in.channels);
  std::string sizes;
  for (const Window& kernel : p.kernels) {
    if (same(kernel, op.kernel)) return;
    sizes += (sizes.empty() ? "" : ", ") + text(kernel);
  }
  refuse("a kernel of " + sizes, text(op.kernel));
}

Tensor prefix(const Tensor& tensor, std::int64_t dimension, std::int64_t count,
              std::int64_t groups) {
  if (tensor.size(dimension) == count) return tensor;
  if (groups == 1) return tensor.narrow(dimension, 0, count);
  return tensor.unflatten(dimension, {groups, tensor.size(dimension) / groups})
      .narrow(dimension + 1, 0, count / groups)
      .flatten(dimension, dimension + 1);
}

Tensor active_weight(const OpParameters& p, const Op& op) {
  Tensor weight = prefix(p.weight, 0, op.out.channels, slice_groups(op));
  weight = prefix(weight, 1, op.in.channels / op.groups);
  const auto area = [](const Window& k) { return k.height * k.width; };
  for (std::size_t i = 1; i < p.kernels.size() && area(p.kernels[i - 1]) > area(op.kernel); ++i) {
    const Window& to = p.kernels[i];
    weight = weight.narrow(2, (weight.size(2) - to.height) / 2, to.height)
                 .narrow(3, (weight.size(3) - to.width) / 2, to.width);
    if (!p.transforms.empty())
      weight = at::linear(weight.reshape({-1, area(to)}), p.transforms[i - 1])
                   .view({weight.size(0), weight.size(1), to.height, to.width});
  }
  return weight.contiguous();
}

}  // namespace lathe::supernet
