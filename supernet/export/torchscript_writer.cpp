#include "supernet/export/torchscript_writer.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/json_io.hpp"

#include <torch/script.h>

#include <cctype>
#include <set>
#include <sstream>
#include <utility>

namespace lathe::supernet {
namespace {

using spaces::Act;
using spaces::Op;
using spaces::OpKind;

/// An identifier: dots and other signs become underscores.
std::string identifier(const std::string& name) {
  std::string result = name;
  for (char& c : result) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  if (std::isdigit(static_cast<unsigned char>(result.front())) != 0) result.insert(0, "_");
  return result;
}

std::string pair(int height, int width) {
  return "[" + std::to_string(height) + ", " + std::to_string(width) + "]";
}

std::string activation(Act act, const std::string& x) {
  switch (act) {
    case Act::none:
      return x;
    case Act::relu:
      return "torch.relu(" + x + ")";
    case Act::relu6:
      return "torch.clamp(" + x + ", 0.0, 6.0)";
    case Act::hswish:
      return "torch.hardswish(" + x + ")";
    case Act::swish:
      return "torch.silu(" + x + ")";
    case Act::hsigmoid:
      return "torch.hardsigmoid(" + x + ")";
    case Act::sigmoid:
      return "torch.sigmoid(" + x + ")";
  }
  throw LogicError("an activation that TorchScript export does not know");
}

/// The right-hand side of one op. Every value is N x C x H x W, linear layers' too.
std::string expression(const Graph& graph, std::size_t i,
                       const std::function<std::string(int)>& value) {
  const Op& op = graph.ops[i];
  const std::string x = value(op.inputs.at(0)), self = "self." + identifier(graph.names[i]);
  const std::string weights =
      ", " + self + "_weight, " + (op.bias ? self + "_bias" : std::string("None"));
  switch (op.kind) {
    case OpKind::conv:
      return "torch.conv2d(" + x + weights + ", " + pair(op.stride.height, op.stride.width) + ", " +
             pair((op.kernel.height - 1) / 2, (op.kernel.width - 1) / 2) + ", [1, 1], " +
             std::to_string(op.groups) + ")";
    case OpKind::linear:
      return "torch.linear(torch.flatten(" + x + ", 1)" + weights + ")[:, :, None, None]";
    case OpKind::global_pool:
      return "torch.mean(" + x + ", [2, 3], True)";
    case OpKind::average_pool:
      return "torch.avg_pool2d(" + x + ", " + pair(op.kernel.height, op.kernel.width) + ", " +
             pair(op.stride.height, op.stride.width) + ", " +
             pair(op.in.height % 2, op.in.width % 2) + ", False, True)";
    case OpKind::channel_shuffle:
      return "torch.channel_shuffle(" + x + ", " + std::to_string(op.groups) + ")";
    case OpKind::gate_multiply:
      return x + " * " + value(op.inputs.at(1));
    case OpKind::add:
      return x + " + " + value(op.inputs.at(1));
  }
  throw LogicError("an op that TorchScript export does not know: " + graph.names[i]);
}

/// LibTorch's words, of c10::Error without its backtrace, which is 2 kB long.
std::string words_of(const std::exception& error) {
  const auto* own = dynamic_cast<const c10::Error*>(&error);
  const std::string words = own != nullptr ? own->what_without_backtrace() : error.what();
  return "LibTorch's error \"" + words.substr(0, words.find('\n')) + "\"";
}

torch::Tensor tensor(const std::vector<float>& values, std::vector<std::int64_t> sizes) {
  return torch::tensor(values, torch::kFloat32).reshape(sizes);
}

torch::jit::Module module_of(const Graph& graph) {
  torch::jit::Module module("lathe_network");
  for (std::size_t i = 0; i < graph.ops.size(); ++i) {
    const Op& op = graph.ops[i];
    if (!has_weights(op)) continue;
    const spaces::OpWeights& weights = graph.weights[i];
    const std::string name = identifier(graph.names[i]);
    std::vector<std::int64_t> sizes = {op.out.channels, op.in.channels / op.groups,
                                       op.kernel.height, op.kernel.width};
    if (op.kind == OpKind::linear) sizes.resize(2);
    module.register_parameter(name + "_weight", tensor(weights.weight, sizes), false);
    if (op.bias) {
      module.register_parameter(name + "_bias", tensor(weights.bias, {op.out.channels}), false);
    }
  }
  module.define(torchscript_source(graph));
  module.eval();
  return module;
}

}  // namespace

std::string torchscript_source(const Graph& graph) {
  LATHE_CHECK(!graph.ops.empty(), "a network without ops");
  std::set<std::string> seen;
  const auto value = [&](int op) {
    return op < 0 ? "input" : identifier(graph.names[static_cast<std::size_t>(op)]);
  };
  std::string source = "def forward(self, input: Tensor) -> Tensor:\n";
  for (std::size_t i = 0; i < graph.ops.size(); ++i) {
    const Op& op = graph.ops[i];
    const std::string name = identifier(graph.names[i]);
    LATHE_CHECK(!op.norm, graph.names[i] + " still has batch norm; fold_batch_norm comes first");
    LATHE_CHECK(seen.insert(name).second, "two ops are called " + name);
    source += "  " + name + " = " + expression(graph, i, value) + "\n";
    if (op.act != Act::none) source += "  " + name + " = " + activation(op.act, name) + "\n";
  }
  const int last = static_cast<int>(graph.ops.size()) - 1;
  return source + "  return torch.flatten(" + value(last) + ", 1)\n";
}

void write_torchscript(const Graph& graph, const std::filesystem::path& file) {
  const torch::jit::Module module = module_of(graph);
  std::ostringstream bytes;
  module.save(bytes);
  write_file(file, bytes.str());
}

struct TorchScriptModel::State {
  std::string where;
  torch::jit::Module module;
};

TorchScriptModel::TorchScriptModel(const std::filesystem::path& file) {
  const std::string where = file.string();
  std::istringstream bytes(read_file(file));
  try {
    state_ = std::make_unique<State>(State{where, torch::jit::load(bytes, torch::kCPU)});
    state_->module.eval();
  } catch (const std::exception& error) {
    throw FormatError({where, "a TorchScript file", words_of(error), ""});
  }
}
TorchScriptModel::~TorchScriptModel() = default;
TorchScriptModel::TorchScriptModel(TorchScriptModel&&) noexcept = default;
TorchScriptModel& TorchScriptModel::operator=(TorchScriptModel&&) noexcept = default;

std::vector<float> TorchScriptModel::run(const spaces::Shape& input,
                                         const std::vector<float>& image) {
  const c10::InferenceMode inference;
  try {
    const torch::Tensor logits =
        state_->module.forward({tensor(image, {1, input.channels, input.height, input.width})})
            .toTensor()
            .to(torch::kFloat32)
            .contiguous();
    return {logits.data_ptr<float>(), logits.data_ptr<float>() + logits.numel()};
  } catch (const std::exception& error) {
    throw FormatError({state_->where, "a network for one image", words_of(error), ""});
  }
}

}  // namespace lathe::supernet
