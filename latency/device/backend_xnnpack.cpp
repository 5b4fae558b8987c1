#include "latency/device/backend.hpp"

#include <pthreadpool.h>
#include <xnnpack.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>

namespace lathe::latency {
namespace {

using spaces::Act;
using spaces::Op;
using spaces::OpKind;
using spaces::Plane;
using spaces::Shape;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr std::uint32_t kInput = 0, kOutput = 1;  // external ids
// XNNPACK may read this far beyond a buffer.
constexpr std::size_t kSlack = XNN_EXTRA_BYTES / sizeof(float);

/// An op that XNNPACK refuses; becomes the item's Failure.
struct Refused {
  std::string reason;
};

std::string status_text(xnn_status status) {
  switch (status) {
    case xnn_status_uninitialized:
      return "uninitialized";
    case xnn_status_invalid_parameter:
      return "invalid parameter";
    case xnn_status_invalid_state:
      return "invalid state";
    case xnn_status_unsupported_parameter:
      return "unsupported parameter";
    case xnn_status_unsupported_hardware:
      return "unsupported hardware";
    case xnn_status_out_of_memory:
      return "out of memory";
    default:
      return "status " + std::to_string(static_cast<int>(status));
  }
}

void require(xnn_status status, const std::string& what) {
  if (status != xnn_status_success) {
    throw Refused{"engine xnnpack: " + what + ": " + status_text(status)};
  }
}

std::size_t sized(int value) { return static_cast<std::size_t>(value); }
std::uint32_t unsigned_of(int value) { return static_cast<std::uint32_t>(value); }
std::size_t pixels(const Shape& shape) { return sized(shape.height) * sized(shape.width); }
std::size_t elements(const Shape& shape) { return pixels(shape) * sized(shape.channels); }

/// Bounds of a node's output: how XNNPACK spells relu, relu6 and the fused hard sigmoid.
struct Clamp {
  float least = -kInfinity, most = kInfinity;
};
Clamp clamp_of(Act act) {
  if (act == Act::relu) return {0, kInfinity};
  if (act == Act::relu6) return {0, 6};
  return {};
}

struct Padding {
  std::uint32_t height, width;
};
Padding padding_of(const Op& op) {
  return {unsigned_of((op.kernel.height - 1) / 2), unsigned_of((op.kernel.width - 1) / 2)};
}

/// Builds the subgraph op by op. Every tensor's shape is given: this version infers none.
class SubgraphBuilder {
 public:
  SubgraphBuilder(xnn_subgraph_t subgraph, std::vector<std::vector<float>>& constants)
      : subgraph_(subgraph), constants_(constants) {}

  void build(const Program& program) {
    define_value(program.input, kInput, XNN_VALUE_FLAG_EXTERNAL_INPUT);
    for (std::size_t i = 0; i < program.ops.size(); ++i) {
      at_output_ = i + 1 == program.ops.size();
      values_.push_back(add(program.ops[i], program.weights[i]));
    }
  }

 private:
  using Id = std::uint32_t;

  Id define_value(const Shape& shape, Id external, std::uint32_t flags) {
    const std::size_t sizes[] = {1, sized(shape.height), sized(shape.width), sized(shape.channels)};
    Id id = XNN_INVALID_VALUE_ID;
    require(xnn_define_tensor_value(subgraph_, xnn_datatype_fp32, 4, sizes, nullptr, external,
                                    flags, &id),
            "a tensor");
    return id;
  }
  Id inner_value(const Shape& shape) { return define_value(shape, XNN_INVALID_VALUE_ID, 0); }
  /// The value that an op's last node writes.
  Id result_value(const Shape& shape) {
    if (!at_output_) return inner_value(shape);
    return define_value(shape, kOutput, XNN_VALUE_FLAG_EXTERNAL_OUTPUT);
  }
  Id constant(const std::vector<std::size_t>& sizes, std::vector<float> values) {
    values.resize(values.size() + kSlack);
    constants_.push_back(std::move(values));  // moving a vector keeps its buffer
    Id id = XNN_INVALID_VALUE_ID;
    require(xnn_define_tensor_value(subgraph_, xnn_datatype_fp32, sizes.size(), sizes.data(),
                                    constants_.back().data(), XNN_INVALID_VALUE_ID, 0, &id),
            "a constant");
    return id;
  }
  Id input(const Op& op, std::size_t which = 0) const {
    const int index = op.inputs[which];
    return index < 0 ? kInput : values_[sized(index)];
  }

  Id add(const Op& op, const spaces::OpWeights& weights) {
    // Hard sigmoid, which XNNPACK lacks, is a clamp behind weights: relu6(y + 3) / 6 =
    // clamp(y / 6 + 1/2, 0, 1).
    const bool fold = op.act == Act::hsigmoid && spaces::has_weights(op);
    const bool in_node = fold || op.act == Act::none || op.act == Act::relu || op.act == Act::relu6;
    const Id to = in_node ? result_value(op.out) : inner_value(op.out);
    add_node(op, weights, fold ? Clamp{0, 1} : clamp_of(op.act), fold, to);
    return in_node ? to : add_activation(op, to);
  }

  void add_node(const Op& op, const spaces::OpWeights& weights, Clamp clamp, bool fold, Id to) {
    const std::string what = "op " + op.name;
    switch (op.kind) {
      case OpKind::conv:
      case OpKind::linear:
        return add_weighted(op, weights, clamp, fold, to);
      case OpKind::global_pool:
        return require(xnn_define_global_average_pooling_2d(subgraph_, clamp.least, clamp.most,
                                                            input(op), to, 0),
                       what);
      case OpKind::average_pool:
        return require(
            xnn_define_average_pooling_2d(
                subgraph_, 0, 0, 0, 0, unsigned_of(op.kernel.height), unsigned_of(op.kernel.width),
                unsigned_of(op.stride.height), unsigned_of(op.stride.width), clamp.least,
                clamp.most, padded_input(op), to, 0),
            what);
      case OpKind::gate_multiply:
        return require(xnn_define_multiply2(subgraph_, clamp.least, clamp.most, input(op),
                                            input(op, 1), to, 0),
                       what);
      case OpKind::add:
        return require(
            xnn_define_add2(subgraph_, clamp.least, clamp.most, input(op), input(op, 1), to, 0),
            what);
      case OpKind::channel_shuffle:
        throw Refused{"engine xnnpack has no channel shuffle (op " + op.name + ")"};
    }
    throw LogicError("an op kind that the XNNPACK backend does not know");
  }

  /// The input of an average pool with a border of zeros on odd sides: they count in the mean,
  /// which XNNPACK's own padding would leave out.
  Id padded_input(const Op& op) {
    const auto border = [](int in, int out, int kernel, int stride) {
      const int before = in % 2;
      const int after = std::max(0, (out - 1) * stride + kernel - in - before);
      return std::pair<int, int>(before, after);
    };
    const auto [top, bottom] =
        border(op.in.height, op.out.height, op.kernel.height, op.stride.height);
    const auto [left, right] = border(op.in.width, op.out.width, op.kernel.width, op.stride.width);
    if (top + bottom + left + right == 0) return input(op);
    const std::size_t before[] = {0, sized(top), sized(left), 0};
    const std::size_t after[] = {0, sized(bottom), sized(right), 0};
    const Id to =
        inner_value({op.in.height + top + bottom, op.in.width + left + right, op.in.channels});
    require(xnn_define_static_constant_pad(subgraph_, before, after, 0, input(op), to, 0),
            "op " + op.name + ": padding");
    return to;
  }

  void add_weighted(const Op& op, const spaces::OpWeights& weights, Clamp clamp, bool fold, Id to) {
    LATHE_CHECK(!op.norm, "batch norm must be folded before an engine sees it");
    const std::size_t outputs = sized(op.out.channels), groups = sized(op.groups);
    const std::size_t group_inputs = sized(op.in.channels) / groups;
    const std::string what = "op " + op.name;
    std::vector<float> bias = op.bias ? weights.bias : std::vector<float>(outputs);
    if (fold) {
      for (float& value : bias) value = value / 6 + 0.5F;
    }
    const Id bias_id = constant({outputs}, std::move(bias));
    if (op.kind == OpKind::linear) {
      const Id filter = constant({outputs, group_inputs}, filter_of(op, weights, fold));
      return require(xnn_define_fully_connected(subgraph_, clamp.least, clamp.most, input(op),
                                                filter, bias_id, to, 0),
                     what);
    }
    const Padding pad = padding_of(op);
    const auto kernel_height = unsigned_of(op.kernel.height);
    const auto kernel_width = unsigned_of(op.kernel.width);
    const auto stride_height = unsigned_of(op.stride.height);
    const auto stride_width = unsigned_of(op.stride.width);
    if (spaces::is_depthwise(op)) {
      const Id filter =
          constant({1, kernel_height, kernel_width, outputs}, filter_of(op, weights, fold));
      return require(xnn_define_depthwise_convolution_2d(
                         subgraph_, pad.height, pad.width, pad.height, pad.width, kernel_height,
                         kernel_width, stride_height, stride_width, 1, 1, 1, outputs, clamp.least,
                         clamp.most, input(op), filter, bias_id, to, 0),
                     what);
    }
    const Id filter = constant({outputs, kernel_height, kernel_width, group_inputs},
                               filter_of(op, weights, fold));
    require(xnn_define_convolution_2d(subgraph_, pad.height, pad.width, pad.height, pad.width,
                                      kernel_height, kernel_width, stride_height, stride_width, 1,
                                      1, unsigned_of(op.groups), group_inputs, outputs / groups,
                                      clamp.least, clamp.most, input(op), filter, bias_id, to, 0),
            what);
  }

  /// Our out x in x height x width as XNNPACK's out x height x width x in, or height x width x
  /// channel for depthwise convolutions.
  static std::vector<float> filter_of(const Op& op, const spaces::OpWeights& weights, bool fold) {
    const std::size_t outputs = sized(op.out.channels);
    const std::size_t inputs = sized(op.in.channels / op.groups);
    const std::size_t window = sized(op.kernel.height) * sized(op.kernel.width);
    const bool depthwise = spaces::is_depthwise(op);
    std::vector<float> filter(weights.weight.size());
    for (std::size_t o = 0; o < outputs; ++o) {
      for (std::size_t i = 0; i < inputs; ++i) {
        for (std::size_t w = 0; w < window; ++w) {
          const float value = weights.weight[(o * inputs + i) * window + w];
          filter[depthwise ? w * outputs + o : (o * window + w) * inputs + i] =
              fold ? value / 6 : value;
        }
      }
    }
    return filter;
  }

  /// Activations that are nodes of their own.
  Id add_activation(const Op& op, Id from) {
    const std::string what = "activation of op " + op.name;
    if (op.act == Act::swish) {
      const Id gate = inner_value(op.out);
      require(xnn_define_sigmoid(subgraph_, from, gate, 0), what);
      const Id to = result_value(op.out);
      require(xnn_define_multiply2(subgraph_, -kInfinity, kInfinity, from, gate, to, 0), what);
      return to;
    }
    if (op.act == Act::hsigmoid) {
      const Id shifted = inner_value(op.out);
      require(xnn_define_add2(subgraph_, -kInfinity, kInfinity, from, constant({1}, {3.0F}),
                              shifted, 0),
              what);
      const Id to = result_value(op.out);
      require(xnn_define_multiply2(subgraph_, 0, 1, shifted, constant({1}, {1.0F / 6}), to, 0),
              what);
      return to;
    }
    const Id to = result_value(op.out);
    if (op.act == Act::hswish) {
      require(xnn_define_hardswish(subgraph_, from, to, 0), what);
    } else if (op.act == Act::sigmoid) {
      require(xnn_define_sigmoid(subgraph_, from, to, 0), what);
    } else {
      throw LogicError("an activation that the XNNPACK backend does not know");
    }
    return to;
  }

  xnn_subgraph_t subgraph_;
  std::vector<std::vector<float>>& constants_;
  std::vector<Id> values_;  ///< of each op so far
  bool at_output_ = false;
};

struct DeleteSubgraph {
  void operator()(xnn_subgraph_t subgraph) const { xnn_delete_subgraph(subgraph); }
};
struct DeleteRuntime {
  void operator()(xnn_runtime_t runtime) const { xnn_delete_runtime(runtime); }
};
struct DestroyPool {
  void operator()(pthreadpool_t pool) const { pthreadpool_destroy(pool); }
};
template <typename Handle, typename Deleter>
using Owned = std::unique_ptr<std::remove_pointer_t<Handle>, Deleter>;

class XnnpackPrepared : public Prepared {
 public:
  XnnpackPrepared(const Program& program, const Plane& input, pthreadpool_t pool)
      : shape_(program.ops.back().out) {
    xnn_subgraph_t subgraph = nullptr;
    require(xnn_create_subgraph(2, 0, &subgraph), "the subgraph");
    subgraph_.reset(subgraph);
    SubgraphBuilder(subgraph, constants_).build(program);
    xnn_runtime_t runtime = nullptr;
    require(xnn_create_runtime_v2(subgraph, pool, 0, &runtime), "the runtime");
    runtime_.reset(runtime);
    input_ = interleaved(input);
    output_.resize(elements(shape_) + kSlack);
    const std::array<xnn_external_value, 2> values = {
        {{kInput, input_.data()}, {kOutput, output_.data()}}};
    require(xnn_setup_runtime(runtime, values.size(), values.data()), "setting up the runtime");
  }

  std::optional<Failure> run() override {
    const xnn_status status = xnn_invoke_runtime(runtime_.get());
    if (status == xnn_status_success) return std::nullopt;
    return Failure{"engine xnnpack: running: " + status_text(status)};
  }

  void touch_input() override {
    constexpr std::size_t kLine = 64 / sizeof(float);
    volatile float* values = input_.data();
    for (std::size_t i = 0; i < input_.size(); i += kLine) values[i] = values[i];
  }

  Plane output() const override {
    Plane plane{shape_, std::vector<float>(elements(shape_))};
    const std::size_t channels = sized(shape_.channels), area = pixels(shape_);
    for (std::size_t p = 0; p < area; ++p) {
      for (std::size_t c = 0; c < channels; ++c) {
        plane.values[c * area + p] = output_[p * channels + c];
      }
    }
    return plane;
  }

 private:
  /// height x width x channels, with slack.
  static std::vector<float> interleaved(const Plane& plane) {
    const std::size_t channels = sized(plane.shape.channels), area = pixels(plane.shape);
    std::vector<float> values(channels * area + kSlack);
    for (std::size_t c = 0; c < channels; ++c) {
      for (std::size_t p = 0; p < area; ++p) values[p * channels + c] = plane.values[c * area + p];
    }
    return values;
  }

  // The order matters: constants must outlive the subgraph, and that the runtime.
  std::vector<std::vector<float>> constants_;
  std::vector<float> input_, output_;
  Owned<xnn_subgraph_t, DeleteSubgraph> subgraph_;
  Owned<xnn_runtime_t, DeleteRuntime> runtime_;
  Shape shape_;
};

class XnnpackBackend : public Backend {
 public:
  explicit XnnpackBackend(int threads) {
    const xnn_status status = xnn_initialize(nullptr);
    if (status != xnn_status_success) {
      throw DeviceError("engine xnnpack does not start here: " + status_text(status));
    }
    // Without a pool XNNPACK computes on the caller's thread, which thread time needs.
    if (threads > 1) pool_.reset(pthreadpool_create(sized(threads)));
  }
  std::string version() const override { return LATHE_XNNPACK_VERSION; }
  std::variant<std::unique_ptr<Prepared>, Failure> prepare(const Program& program,
                                                           const Plane& input) override {
    try {
      return std::make_unique<XnnpackPrepared>(program, input, pool_.get());
    } catch (const Refused& refused) {
      return Failure{refused.reason};
    }
  }

 private:
  Owned<pthreadpool_t, DestroyPool> pool_;
};

}  // namespace

std::unique_ptr<Backend> make_xnnpack_backend(int threads) {
  return std::make_unique<XnnpackBackend>(threads);
}

}  // namespace lathe::latency
