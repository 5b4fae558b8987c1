#include "supernet/export/onnx_reader.hpp"

#include "spaces/base/error.hpp"
#include "supernet/export/onnx_schema.hpp"
#include "supernet/export/protobuf.hpp"

#include <cstring>
#include <functional>
#include <map>
#include <utility>

namespace lathe::supernet {
namespace {

using spaces::Act;
using spaces::Op;
using spaces::OpKind;
using spaces::OpWeights;
using spaces::Shape;
using Dims = std::vector<std::int64_t>;

// ---- Messages as structs ------------------------------------------------------------------------

struct Attribute {
  std::int64_t i = 0;
  float f = 0;
  Dims ints;
};

struct Node {
  std::string name, op_type;
  std::vector<std::string> inputs, outputs;
  std::map<std::string, Attribute> attributes;
};

struct Tensor {
  std::string name;
  Dims dims;
  std::int64_t type = 0;
  std::string_view raw;
};

struct ValueInfo {
  std::string name;
  Dims dims;
  std::int64_t type = 0;
};

struct Model {
  std::vector<Node> nodes;
  std::map<std::string, Tensor> tensors;
  std::vector<ValueInfo> inputs, outputs;
  std::int64_t opset = 0;
};

void each_field(std::string_view message, const std::string& where,
                const std::function<void(const ProtobufField&)>& field) {
  ProtobufReader reader(message, where);
  for (ProtobufField f; reader.next(f);) field(f);
}

std::int64_t signed_value(const ProtobufField& f) { return static_cast<std::int64_t>(f.value); }

float float_from(std::uint32_t bits) {
  float value = 0;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

std::pair<std::string, Attribute> attribute_from(std::string_view message,
                                                 const std::string& where) {
  std::pair<std::string, Attribute> result;
  each_field(message, where, [&](const ProtobufField& f) {
    if (f.number == onnx::attribute::name) result.first = f.bytes;
    if (f.number == onnx::attribute::i) result.second.i = signed_value(f);
    if (f.number == onnx::attribute::f) {
      result.second.f = float_from(static_cast<std::uint32_t>(f.value));
    }
    if (f.number == onnx::attribute::ints) result.second.ints.push_back(signed_value(f));
  });
  return result;
}

Node node_from(std::string_view message, const std::string& where) {
  Node node;
  each_field(message, where, [&](const ProtobufField& f) {
    if (f.number == onnx::node::input) node.inputs.emplace_back(f.bytes);
    if (f.number == onnx::node::output) node.outputs.emplace_back(f.bytes);
    if (f.number == onnx::node::name) node.name = f.bytes;
    if (f.number == onnx::node::op_type) node.op_type = f.bytes;
    if (f.number == onnx::node::attribute) node.attributes.insert(attribute_from(f.bytes, where));
  });
  return node;
}

Tensor tensor_from(std::string_view message, const std::string& where) {
  Tensor tensor;
  each_field(message, where, [&](const ProtobufField& f) {
    if (f.number == onnx::tensor::dims) tensor.dims.push_back(signed_value(f));
    if (f.number == onnx::tensor::data_type) tensor.type = signed_value(f);
    if (f.number == onnx::tensor::name) tensor.name = f.bytes;
    if (f.number == onnx::tensor::raw_data) tensor.raw = f.bytes;
  });
  return tensor;
}

ValueInfo value_info_from(std::string_view message, const std::string& where) {
  ValueInfo info;
  const auto dimension = [&](const ProtobufField& f) {
    if (f.number == onnx::dimension::value) info.dims.push_back(signed_value(f));
  };
  const auto shape = [&](const ProtobufField& f) {
    if (f.number == onnx::shape::dim) each_field(f.bytes, where, dimension);
  };
  const auto tensor_type = [&](const ProtobufField& f) {
    if (f.number == onnx::tensor_type::elem_type) info.type = signed_value(f);
    if (f.number == onnx::tensor_type::shape) each_field(f.bytes, where, shape);
  };
  each_field(message, where, [&](const ProtobufField& f) {
    if (f.number == onnx::value_info::name) info.name = f.bytes;
    if (f.number == onnx::value_info::type) {
      each_field(f.bytes, where, [&](const ProtobufField& type) {
        if (type.number == onnx::type::tensor_type) each_field(type.bytes, where, tensor_type);
      });
    }
  });
  return info;
}

void read_graph(std::string_view message, const std::string& where, Model& model) {
  each_field(message, where, [&](const ProtobufField& f) {
    if (f.number == onnx::graph::node) model.nodes.push_back(node_from(f.bytes, where));
    if (f.number == onnx::graph::initializer) {
      Tensor tensor = tensor_from(f.bytes, where);
      model.tensors.emplace(tensor.name, std::move(tensor));
    }
    if (f.number == onnx::graph::input) model.inputs.push_back(value_info_from(f.bytes, where));
    if (f.number == onnx::graph::output) model.outputs.push_back(value_info_from(f.bytes, where));
  });
}

Model read_model(std::string_view bytes, const std::string& where, OnnxFile& file) {
  Model model;
  each_field(bytes, where, [&](const ProtobufField& f) {
    if (f.number == onnx::model::producer_name) file.producer = f.bytes;
    if (f.number == onnx::model::producer_version) file.producer_version = f.bytes;
    if (f.number == onnx::model::graph) read_graph(f.bytes, where, model);
    if (f.number == onnx::model::opset_import) {
      each_field(f.bytes, where, [&](const ProtobufField& o) {
        if (o.number == onnx::opset::version) model.opset = signed_value(o);
      });
    }
    if (f.number == onnx::model::metadata_props) {
      std::pair<std::string, std::string> entry;
      each_field(f.bytes, where, [&](const ProtobufField& e) {
        if (e.number == onnx::entry::key) entry.first = e.bytes;
        if (e.number == onnx::entry::value) entry.second = e.bytes;
      });
      file.metadata.push_back(std::move(entry));
    }
  });
  return model;
}

// ---- From nodes back to ops ---------------------------------------------------------------------

/// A value between nodes: what `op` computes with `act` after it (-1: the image), in which form.
struct Edge {
  enum class Form { map, flat, split, swapped };
  int op = -1;
  Act act = Act::none;
  Form form = Form::map;
  int groups = 1;  ///< of split and swapped
};

class GraphReader {
 public:
  GraphReader(const Model& model, std::string where) : model_(model), where_(std::move(where)) {}

  Graph read() {
    if (model_.opset != kOnnxOpset)
      refuse("opset " + std::to_string(kOnnxOpset), std::to_string(model_.opset));
    if (model_.inputs.size() != 1 || model_.outputs.size() != 1) {
      refuse("one input and one output", std::to_string(model_.inputs.size()) + " and " +
                                             std::to_string(model_.outputs.size()));
    }
    const ValueInfo& input = model_.inputs[0];
    if (input.dims.size() != 4 || input.dims[0] != 1 || input.type != onnx::tensor::type_float) {
      refuse("an input of 1 x channels x height x width floats", "another form");
    }
    graph_.input = {to_int(input.dims[2]), to_int(input.dims[3]), to_int(input.dims[1])};
    edges_[input.name] = {};
    for (const Node& node : model_.nodes) {
      node_ = &node;
      if (node.outputs.size() != 1) refuse("one output", std::to_string(node.outputs.size()));
      edges_[node.outputs[0]] = edge_of(node);
    }
    node_ = nullptr;
    const auto last = edges_.find(model_.outputs[0].name);
    if (last == edges_.end() || last->second.op + 1 != static_cast<int>(graph_.ops.size()) ||
        graph_.ops.empty()) {
      refuse("the last op as output \"" + model_.outputs[0].name + "\"", "another");
    }
    use(last->second);
    return std::move(graph_);
  }

 private:
  [[noreturn]] void refuse(const std::string& expected, const std::string& found) const {
    const std::string place = node_ == nullptr ? "" : ": node " + node_->name;
    throw FormatError({where_ + place, expected, found, "only files that lathe wrote can be read"});
  }

  int to_int(std::int64_t value) const {
    if (value < 1 || value > 1 << 24) refuse("a size in [1, 16777216]", std::to_string(value));
    return static_cast<int>(value);
  }

  Edge edge_of(const Node& node) {
    const std::string& type = node.op_type;
    if (type == "Conv") return conv(node);
    if (type == "Gemm") return gemm(node);
    if (type == "GlobalAveragePool")
      return push(node, OpKind::global_pool, {1, 1, channels(0)}, {0});
    if (type == "AveragePool") return average_pool(node);
    if (type == "Mul") return multiply(node);
    if (type == "Add") return add(node);
    if (type == "Flatten" || type == "Reshape" || type == "Transpose") return rearranged(node);
    if (type == "Relu") return activated(Act::relu);
    if (type == "Clip") return clip(node);
    if (type == "HardSwish") return activated(Act::hswish);
    if (type == "HardSigmoid") return hard_sigmoid(node);
    if (type == "Sigmoid") return activated(Act::sigmoid);
    refuse("an operator that lathe writes", type);
  }

  Edge conv(const Node& node) {
    const Tensor& weight = tensor(1);
    const Dims& strides = ints(node, "strides", 2);
    const auto group = node.attributes.find("group");
    if (weight.dims.size() != 4) refuse("a weight with four dimensions", weight.name);
    const Shape in = shape(0);
    const int sy = to_int(strides[0]), sx = to_int(strides[1]);
    const Edge edge =
        push(node, OpKind::conv,
             {(in.height + sy - 1) / sy, (in.width + sx - 1) / sx, to_int(weight.dims[0])}, {0});
    Op& op = graph_.ops.back();
    op.kernel = {to_int(weight.dims[2]), to_int(weight.dims[3])};
    op.stride = {sy, sx};
    require_pads(node, (op.kernel.height - 1) / 2, (op.kernel.width - 1) / 2);
    op.groups = group == node.attributes.end() ? 1 : to_int(group->second.i);
    if (in.channels != std::int64_t(to_int(weight.dims[1])) * op.groups) {
      refuse(std::to_string(in.channels) + " input channels",
             std::to_string(weight.dims[1]) + " times " + std::to_string(op.groups));
    }
    take_weights(node);
    return edge;
  }

  Edge gemm(const Node& node) {
    const Tensor& weight = tensor(1);
    const Shape in = shape(0);
    if (weight.dims.size() != 2 || weight.dims[1] != in.channels || in.height != 1 || in.width != 1) {
      refuse("a weight for a vector of " + std::to_string(in.channels), weight.name);
    }
    require_int(node, "transB", 1);
    Edge edge = push(node, OpKind::linear, {1, 1, to_int(weight.dims[0])}, {0}, Edge::Form::flat);
    take_weights(node);
    edge.form = Edge::Form::flat;
    return edge;
  }

  Edge average_pool(const Node& node) {
    const Dims& kernel = ints(node, "kernel_shape", 2);
    const Shape in = shape(0);
    const int ky = to_int(kernel[0]), kx = to_int(kernel[1]);
    if (ints(node, "strides", 2) != kernel) refuse("strides as the kernel", "others");
    if (in.height < ky || in.width < kx) refuse("a kernel within the map", "a larger one");
    require_pads(node, in.height % 2, in.width % 2);
    require_int(node, "count_include_pad", 1);
    const Edge edge = push(node, OpKind::average_pool,
                           {(in.height + in.height % 2 * 2 - ky) / ky + 1,
                            (in.width + in.width % 2 * 2 - kx) / kx + 1, in.channels},
                           {0});
    graph_.ops.back().kernel = graph_.ops.back().stride = {ky, kx};
    return edge;
  }

  /// A gate, or the second half of swish.
  Edge multiply(const Node& node) {
    const Edge a = input(0), b = input(1);
    if (a.op == b.op && a.act == Act::sigmoid && b.act == Act::none) {
      return {a.op, Act::swish, b.form, b.groups};
    }
    if (shape(0) != Shape{1, 1, channels(1)}) refuse("one gate per channel", "another size");
    return push(node, OpKind::gate_multiply, shape(1), {0, 1});
  }

  Edge add(const Node& node) {
    if (shape(0) != shape(1)) refuse("two maps of one size", "two sizes");
    return push(node, OpKind::add, shape(0), {0, 1});
  }

  Edge clip(const Node& node) const {
    if (node.inputs.size() != 3 || floats(tensor(1)) != std::vector<float>{0} ||
        floats(tensor(2)) != std::vector<float>{6}) {
      refuse("limits 0 and 6", "others");
    }
    return activated(Act::relu6);
  }

  Edge hard_sigmoid(const Node& node) const {
    const auto alpha = node.attributes.find("alpha"), beta = node.attributes.find("beta");
    if (alpha == node.attributes.end() || alpha->second.f != 1.0f / 6 ||
        beta == node.attributes.end() || beta->second.f != 0.5f) {
      refuse("alpha 1/6 and beta 0.5", "others");
    }
    return activated(Act::hsigmoid);
  }

  Edge activated(Act act) const {
    Edge edge = input(0);
    if (edge.op < 0 || edge.act != Act::none)
      refuse("an op before its activation", "another order");
    edge.act = act;
    return edge;
  }

  /// Flatten, and the Reshapes and the Transpose of a channel shuffle.
  Edge rearranged(const Node& node) {
    Edge edge = input(0);
    if (node.op_type == "Flatten") {
      edge.form = Edge::Form::flat;
    } else if (node.op_type == "Transpose") {
      if (edge.form != Edge::Form::split || ints(node, "perm", 5) != Dims{0, 2, 1, 3, 4}) {
        refuse("a channel shuffle", "another Transpose");
      }
      edge.form = Edge::Form::swapped;
    } else if (const Tensor& target = tensor(1); target.dims == Dims{5}) {
      edge.form = Edge::Form::split;
      edge.groups = to_int(integers(target)[1]);
    } else if (edge.form == Edge::Form::swapped) {
      const int groups = edge.groups;
      edge = push(node, OpKind::channel_shuffle, shape(0), {0}, Edge::Form::swapped);
      graph_.ops.back().groups = groups;
    } else {
      edge.form = Edge::Form::map;
    }
    return edge;
  }

  /// Appends an op that reads the node's inputs number `from`, which have that form.
  Edge push(const Node& node, OpKind kind, Shape out, const std::vector<std::size_t>& from,
            Edge::Form form = Edge::Form::map) {
    for (const std::size_t which : from) {
      if (input(which).form != form) refuse("an input of the operator's own rank", "another rank");
    }
    Op op;
    op.kind = kind;
    op.name = node.name;
    op.in = shape(from[0]);
    op.out = out;
    for (const std::size_t which : from) op.inputs.push_back(use(input(which)));
    graph_.ops.push_back(std::move(op));
    graph_.names.push_back(node.name);
    graph_.weights.emplace_back();
    return {static_cast<int>(graph_.ops.size()) - 1};
  }

  void take_weights(const Node& node) {
    OpWeights& weights = graph_.weights.back();
    weights.weight = floats(tensor(1));
    graph_.ops.back().bias = node.inputs.size() > 2;
    if (node.inputs.size() < 3) return;
    weights.bias = floats(tensor(2));
    if (tensor(2).dims != Dims{graph_.ops.back().out.channels}) {
      refuse("one bias per output channel", tensor(2).name);
    }
  }

  /// The op behind an edge, whose activation is thereby settled.
  int use(const Edge& edge) {
    if (edge.op < 0) return -1;
    Op& op = graph_.ops[static_cast<std::size_t>(edge.op)];
    const auto [settled, fresh] = settled_.emplace(edge.op, edge.act);
    if (!fresh && settled->second != edge.act) {
      refuse("one activation after " + op.name, "its value before and after");
    }
    op.act = edge.act;
    return edge.op;
  }

  const Edge& input(std::size_t which) const {
    if (which >= node_->inputs.size()) refuse(std::to_string(which + 1) + " inputs", "fewer");
    const auto found = edges_.find(node_->inputs[which]);
    if (found == edges_.end()) refuse("an earlier node's output", node_->inputs[which]);
    return found->second;
  }
  Shape shape(std::size_t which) const {
    const Edge& edge = input(which);
    return edge.op < 0 ? graph_.input : graph_.ops[static_cast<std::size_t>(edge.op)].out;
  }
  int channels(std::size_t which) const { return shape(which).channels; }

  const Tensor& tensor(std::size_t which) const {
    if (which >= node_->inputs.size()) refuse(std::to_string(which + 1) + " inputs", "fewer");
    const auto found = model_.tensors.find(node_->inputs[which]);
    if (found == model_.tensors.end()) refuse("an initialiser", node_->inputs[which]);
    return found->second;
  }

  const Dims& ints(const Node& node, const std::string& name, std::size_t count) const {
    const auto found = node.attributes.find(name);
    if (found == node.attributes.end() || found->second.ints.size() != count) {
      refuse("attribute " + name + " with " + std::to_string(count) + " numbers", "another form");
    }
    return found->second.ints;
  }

  void require_int(const Node& node, const std::string& name, std::int64_t value) const {
    const auto found = node.attributes.find(name);
    if (found == node.attributes.end() || found->second.i != value) {
      refuse("attribute " + name + " = " + std::to_string(value), "another value");
    }
  }
  void require_pads(const Node& node, std::int64_t vertical, std::int64_t horizontal) const {
    if (ints(node, "pads", 4) != Dims{vertical, horizontal, vertical, horizontal}) {
      refuse("pads of " + std::to_string(vertical) + " and " + std::to_string(horizontal),
             "others");
    }
  }

  void check_data(const Tensor& t, std::int64_t type, std::size_t element_size) const {
    std::uint64_t bytes = element_size;
    for (const std::int64_t dim : t.dims) {
      if (bytes > t.raw.size()) break;  // else a damaged file's sizes could overflow
      bytes *= static_cast<std::uint64_t>(to_int(dim));
    }
    if (t.type != type || t.raw.size() != bytes) {
      refuse(std::to_string(bytes) + " bytes of raw data of type " + std::to_string(type) + " in " +
                 t.name,
             std::to_string(t.raw.size()) + " of type " + std::to_string(t.type));
    }
  }

  template <typename Bits>
  static Bits little_endian(std::string_view raw, std::size_t at) {
    Bits bits = 0;
    for (std::size_t i = sizeof(Bits); i-- > 0;) {
      bits = static_cast<Bits>(bits << 8 | static_cast<unsigned char>(raw[at * sizeof(Bits) + i]));
    }
    return bits;
  }

  std::vector<float> floats(const Tensor& t) const {
    check_data(t, onnx::tensor::type_float, sizeof(float));
    std::vector<float> values(t.raw.size() / sizeof(float));
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = float_from(little_endian<std::uint32_t>(t.raw, i));
    }
    return values;
  }
  Dims integers(const Tensor& t) const {
    check_data(t, onnx::tensor::type_int64, sizeof(std::int64_t));
    Dims values(t.raw.size() / sizeof(std::int64_t));
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = static_cast<std::int64_t>(little_endian<std::uint64_t>(t.raw, i));
    }
    return values;
  }

  const Model& model_;
  std::string where_;
  const Node* node_ = nullptr;  ///< being read, for messages
  Graph graph_;
  std::map<std::string, Edge> edges_;
  std::map<int, Act> settled_;  ///< ops whose output someone has read
};

}  // namespace

OnnxFile read_onnx(std::string_view bytes, const std::string& where) {
  OnnxFile file;
  const Model model = read_model(bytes, where, file);
  file.graph = GraphReader(model, where).read();
  return file;
}

}  // namespace lathe::supernet
