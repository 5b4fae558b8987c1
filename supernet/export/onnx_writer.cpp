#include "supernet/export/onnx_writer.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/run_dir.hpp"
#include "supernet/export/onnx_schema.hpp"
#include "supernet/export/protobuf.hpp"

#include <cstring>
#include <limits>

namespace lathe::supernet {
namespace {

using spaces::Act;
using spaces::Op;
using spaces::OpKind;
using spaces::Shape;
using Dims = std::vector<std::int64_t>;

Dims map_dims(const Shape& shape) { return {1, shape.channels, shape.height, shape.width}; }

ProtobufWriter attribute(const std::string& name, std::int64_t value) {
  ProtobufWriter w;
  w.bytes(onnx::attribute::name, name);
  w.integer(onnx::attribute::i, value);
  w.integer(onnx::attribute::type, onnx::attribute::type_int);
  return w;
}

ProtobufWriter attribute(const std::string& name, float value) {
  ProtobufWriter w;
  w.bytes(onnx::attribute::name, name);
  w.real(onnx::attribute::f, value);
  w.integer(onnx::attribute::type, onnx::attribute::type_float);
  return w;
}

ProtobufWriter attribute(const std::string& name, const Dims& values) {
  ProtobufWriter w;
  w.bytes(onnx::attribute::name, name);
  for (const std::int64_t value : values) w.integer(onnx::attribute::ints, value);
  w.integer(onnx::attribute::type, onnx::attribute::type_ints);
  return w;
}

/// raw_data is little-endian whatever the host.
template <typename Bits, typename T>
std::string little_endian(const std::vector<T>& values) {
  static_assert(sizeof(Bits) == sizeof(T));
  std::string bytes;
  bytes.reserve(values.size() * sizeof(T));
  for (const T& value : values) {
    Bits bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    for (std::size_t i = 0; i < sizeof bits; ++i)
      bytes.push_back(static_cast<char>(bits >> (8 * i)));
  }
  return bytes;
}

ProtobufWriter tensor(const std::string& name, const Dims& dims, int type, const std::string& raw) {
  ProtobufWriter w;
  for (const std::int64_t dim : dims) w.integer(onnx::tensor::dims, dim);
  w.integer(onnx::tensor::data_type, type);
  w.bytes(onnx::tensor::name, name);
  w.bytes(onnx::tensor::raw_data, raw);
  return w;
}

ProtobufWriter value_info(const std::string& name, const Dims& dims) {
  ProtobufWriter shape;
  for (const std::int64_t value : dims) {
    ProtobufWriter dim;
    dim.integer(onnx::dimension::value, value);
    shape.message(onnx::shape::dim, dim);
  }
  ProtobufWriter tensor_type;
  tensor_type.integer(onnx::tensor_type::elem_type, onnx::tensor::type_float);
  tensor_type.message(onnx::tensor_type::shape, shape);
  ProtobufWriter type;
  type.message(onnx::type::tensor_type, tensor_type);
  ProtobufWriter info;
  info.bytes(onnx::value_info::name, name);
  info.message(onnx::value_info::type, type);
  return info;
}

/// Collects nodes and initialisers; one method per operator, each returning the name of its output.
class GraphBuilder {
 public:
  std::string conv(const std::string& name, const std::string& input, const Op& op,
                   const spaces::OpWeights& weights) {
    const std::int64_t pad_h = (op.kernel.height - 1) / 2, pad_w = (op.kernel.width - 1) / 2;
    std::vector<std::string> inputs = {input, floats(name + ".weight",
                                                     {op.out.channels, op.in.channels / op.groups,
                                                      op.kernel.height, op.kernel.width},
                                                     weights.weight)};
    if (op.bias) inputs.push_back(floats(name + ".bias", {op.out.channels}, weights.bias));
    return node("Conv", name, inputs,
                {attribute("kernel_shape", Dims{op.kernel.height, op.kernel.width}),
                 attribute("strides", Dims{op.stride.height, op.stride.width}),
                 attribute("pads", Dims{pad_h, pad_w, pad_h, pad_w}),
                 attribute("group", std::int64_t(op.groups))});
  }

  /// `input` is 1 x C.
  std::string gemm(const std::string& name, const std::string& input, const Op& op,
                   const spaces::OpWeights& weights) {
    std::vector<std::string> inputs = {
        input, floats(name + ".weight", {op.out.channels, op.in.channels}, weights.weight)};
    if (op.bias) inputs.push_back(floats(name + ".bias", {op.out.channels}, weights.bias));
    return node("Gemm", name, inputs, {attribute("transB", std::int64_t(1))});
  }

  std::string global_average_pool(const std::string& name, const std::string& input) {
    return node("GlobalAveragePool", name, {input});
  }

  std::string average_pool(const std::string& name, const std::string& input, const Op& op) {
    const std::int64_t pad_h = op.in.height % 2, pad_w = op.in.width % 2;
    return node("AveragePool", name, {input},
                {attribute("kernel_shape", Dims{op.kernel.height, op.kernel.width}),
                 attribute("strides", Dims{op.stride.height, op.stride.width}),
                 attribute("pads", Dims{pad_h, pad_w, pad_h, pad_w}),
                 attribute("count_include_pad", std::int64_t(1))});
  }

  std::string channel_shuffle(const std::string& name, const std::string& input, const Op& op) {
    const Shape& s = op.in;
    const std::string split =
        reshape(name + ".split", input, {1, op.groups, s.channels / op.groups, s.height, s.width});
    const std::string swapped =
        node("Transpose", name + ".swap", {split}, {attribute("perm", Dims{0, 2, 1, 3, 4})});
    return reshape(name, swapped, map_dims(s));
  }

  std::string multiply(const std::string& name, const std::string& gate, const std::string& map) {
    return node("Mul", name, {gate, map});
  }

  std::string add(const std::string& name, const std::string& a, const std::string& b) {
    return node("Add", name, {a, b});
  }

  std::string flatten(const std::string& name, const std::string& input) {
    return node("Flatten", name, {input}, {attribute("axis", std::int64_t(1))});
  }

  std::string reshape(const std::string& name, const std::string& input, const Dims& dims) {
    const std::string shape = name + ".shape";
    initialisers_.push_back(tensor(shape, {static_cast<std::int64_t>(dims.size())},
                                   onnx::tensor::type_int64, little_endian<std::uint64_t>(dims)));
    return node("Reshape", name, {input, shape});
  }

  std::string activation(Act act, const std::string& input) {
    const std::string name = input + "." + std::string(name_of(act));
    switch (act) {
      case Act::none:
        return input;
      case Act::relu:
        return node("Relu", name, {input});
      case Act::relu6:
        return node("Clip", name,
                    {input, floats(name + ".least", {}, {0}), floats(name + ".most", {}, {6})});
      case Act::hswish:
        return node("HardSwish", name, {input});
      case Act::hsigmoid:
        return node("HardSigmoid", name, {input},
                    {attribute("alpha", 1.0f / 6), attribute("beta", 0.5f)});
      case Act::sigmoid:
        return node("Sigmoid", name, {input});
      case Act::swish:
        return multiply(name, node("Sigmoid", name + ".sigmoid", {input}), input);
    }
    throw LogicError("an activation that ONNX export does not know");
  }

  /// GraphProto; the last node's output becomes `logits`.
  ProtobufWriter finish(const Dims& input, const Dims& output) {
    LATHE_CHECK(!nodes_.empty(), "a network without ops");
    nodes_.back().output = kOnnxOutput;
    ProtobufWriter graph;
    for (const Node& n : nodes_) {
      ProtobufWriter w;
      for (const std::string& name : n.inputs) w.bytes(onnx::node::input, name);
      w.bytes(onnx::node::output, n.output);
      w.bytes(onnx::node::name, n.name);
      w.bytes(onnx::node::op_type, n.op_type);
      for (const ProtobufWriter& a : n.attributes) w.message(onnx::node::attribute, a);
      graph.message(onnx::graph::node, w);
    }
    graph.bytes(onnx::graph::name, "network");
    for (const ProtobufWriter& t : initialisers_) graph.message(onnx::graph::initializer, t);
    graph.message(onnx::graph::input, value_info(kOnnxInput, input));
    graph.message(onnx::graph::output, value_info(kOnnxOutput, output));
    return graph;
  }

 private:
  struct Node {
    std::string op_type, name, output;
    std::vector<std::string> inputs;
    std::vector<ProtobufWriter> attributes;
  };

  std::string node(const std::string& op_type, const std::string& name,
                   std::vector<std::string> inputs, std::vector<ProtobufWriter> attributes = {}) {
    nodes_.push_back({op_type, name, name, std::move(inputs), std::move(attributes)});
    return name;
  }

  std::string floats(const std::string& name, const Dims& dims, const std::vector<float>& values) {
    std::int64_t count = 1;
    for (const std::int64_t dim : dims) count *= dim;
    LATHE_CHECK(count == static_cast<std::int64_t>(values.size()),
                name + ": expected " + std::to_string(count) + " values, got " +
                    std::to_string(values.size()));
    initialisers_.push_back(
        tensor(name, dims, onnx::tensor::type_float, little_endian<std::uint32_t>(values)));
    return name;
  }

  std::vector<Node> nodes_;
  std::vector<ProtobufWriter> initialisers_;
};

/// What an op leaves: the edge's name and whether it is 1 x C instead of 1 x C x H x W.
struct Edge {
  std::string name;
  bool flat = false;
};

class NetworkWriter {
 public:
  explicit NetworkWriter(const Graph& graph) : graph_(graph) {}

  ProtobufWriter write() {
    for (std::size_t i = 0; i < graph_.ops.size(); ++i) {
      const Op& op = graph_.ops[i];
      LATHE_CHECK(!op.norm, graph_.names[i] + " still has batch norm; fold_batch_norm comes first");
      Edge edge = op_edge(i);
      edge.name = builder_.activation(op.act, edge.name);
      edges_.push_back(edge);
    }
    LATHE_CHECK(!edges_.empty(), "a network without ops");
    if (!edges_.back().flat) builder_.flatten("flatten", edges_.back().name);
    const Shape& out = graph_.ops.back().out;
    return builder_.finish(map_dims(graph_.input),
                           {1, std::int64_t(out.channels) * out.height * out.width});
  }

 private:
  Edge op_edge(std::size_t i) {
    const Op& op = graph_.ops[i];
    const std::string& name = graph_.names[i];
    switch (op.kind) {
      case OpKind::conv:
        return {builder_.conv(name, map(i, 0), op, graph_.weights[i])};
      case OpKind::linear:
        return {builder_.gemm(name, flat(i, 0), op, graph_.weights[i]), true};
      case OpKind::global_pool:
        return {builder_.global_average_pool(name, map(i, 0))};
      case OpKind::average_pool:
        return {builder_.average_pool(name, map(i, 0), op)};
      case OpKind::channel_shuffle:
        return {builder_.channel_shuffle(name, map(i, 0), op)};
      case OpKind::gate_multiply:
        return {builder_.multiply(name, map(i, 0), map(i, 1))};
      case OpKind::add:
        return {builder_.add(name, map(i, 0), map(i, 1))};
    }
    throw LogicError("an op that ONNX export does not know: " + name);
  }

  /// The op's input as 1 x C x H x W, or as 1 x C.
  std::string map(std::size_t op, std::size_t which) {
    const int from = graph_.ops[op].inputs.at(which);
    if (from < 0) return kOnnxInput;
    const Edge& edge = edges_[static_cast<std::size_t>(from)];
    if (!edge.flat) return edge.name;
    return builder_.reshape(graph_.names[op] + ".unflatten", edge.name,
                            map_dims(graph_.ops[static_cast<std::size_t>(from)].out));
  }
  std::string flat(std::size_t op, std::size_t which) {
    const int from = graph_.ops[op].inputs.at(which);
    if (from >= 0 && edges_[static_cast<std::size_t>(from)].flat) {
      return edges_[static_cast<std::size_t>(from)].name;
    }
    return builder_.flatten(graph_.names[op] + ".flatten", map(op, which));
  }

  const Graph& graph_;
  GraphBuilder builder_;
  std::vector<Edge> edges_;  ///< per op
};

}  // namespace

std::string onnx_bytes(const Graph& folded, const OnnxMetadata& metadata) {
  ProtobufWriter opset;
  opset.bytes(onnx::opset::domain, "");
  opset.integer(onnx::opset::version, kOnnxOpset);
  ProtobufWriter model;
  model.integer(onnx::model::ir_version, kOnnxIrVersion);
  model.bytes(onnx::model::producer_name, "lathe");
  model.bytes(onnx::model::producer_version, build_info().version);
  model.message(onnx::model::graph, NetworkWriter(folded).write());
  model.message(onnx::model::opset_import, opset);
  for (const auto& [key, value] : metadata) {
    ProtobufWriter entry;
    entry.bytes(onnx::entry::key, key);
    entry.bytes(onnx::entry::value, value);
    model.message(onnx::model::metadata_props, entry);
  }
  LATHE_CHECK(model.str().size() <= std::numeric_limits<std::int32_t>::max(),
              "the network is above protobuf's limit of 2 GiB");
  return model.str();
}

}  // namespace lathe::supernet
