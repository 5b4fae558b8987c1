#pragma once

#include "supernet/export/graph.hpp"

#include <string>
#include <utility>
#include <vector>

namespace lathe::supernet {

/// Keys and values that the file carries as metadata_props, in this order.
using OnnxMetadata = std::vector<std::pair<std::string, std::string>>;

/// What we write: read by every engine in docs/engines.md and by five-year-old ones.
constexpr int kOnnxOpset = 17;
constexpr int kOnnxIrVersion = 8;
/// Names of the one input and the one output.
constexpr const char* kOnnxInput = "input";
constexpr const char* kOnnxOutput = "logits";

/// The network as an ONNX file (IR version 8, opset 17, float32, everything static, batch 1). No
/// external weights, no libprotobuf.
///
/// - Input `input`, 1 x C x H x W; output `logits`, 1 x classes (1 x C H W where the last op leaves
///   a map).
/// - One node per op, named as in Graph::names ("stage2.1.depthwise"), followed by one for its
///   activation ("stage2.1.depthwise.hswish"); every node's output has the node's name. Weights are
///   initialisers "NODE.weight" and "NODE.bias" with raw_data.
/// - conv: Conv with kernel_shape, strides, group and explicit pads. linear: Flatten and Gemm with
///   transB, so that converters and quantisers meet a fully connected layer and not a convolution
///   on one pixel. global_pool: GlobalAveragePool. average_pool: AveragePool with
///   count_include_pad. channel_shuffle: Reshape, Transpose, Reshape. gate_multiply: Mul(gate,
///   map), in this order: OpenCV 4.6 mistakes the other one for hard-swish. add: Add.
/// - relu: Relu. relu6: Clip with inputs 0 and 6. hswish: HardSwish. hsigmoid: HardSigmoid with
///   alpha 1/6 and beta 0.5. sigmoid: Sigmoid. swish: Sigmoid and Mul, for opset 17 has no Swish.
///
/// Same graph and metadata, same bytes. Throws LogicError if an op still has batch norm.
std::string onnx_bytes(const Graph& folded, const OnnxMetadata& metadata);

}  // namespace lathe::supernet
