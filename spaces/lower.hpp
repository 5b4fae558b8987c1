#pragma once

#include "spaces/block.hpp"

#include <string>
#include <vector>

namespace lathe::spaces {

enum class OpKind { conv, linear, global_pool, average_pool, channel_shuffle, gate_multiply, add };

/// Extent in pixels; 1-D networks have height 1.
struct Window {
  int height = 1, width = 1;
};

/// One primitive with every size fixed: all that an executor needs, and nothing that it could
/// derive. Padding is (kernel - 1) / 2 on all sides (odd kernels only); an average pool by the
/// stride pads 1 on odd maps and counts the padded zeros, as AttentiveNAS's avg_pool2d does. conv
/// and linear come with batch norm if `norm`, then `act`; gate_multiply's inputs are {gate, map}
/// and it broadcasts the gate's 1 x 1 map.
struct Op {
  OpKind kind = OpKind::conv;
  std::string name;         ///< also the parameters' name: "expand", "depthwise", "se.reduce"
  std::vector<int> inputs;  ///< earlier ops of the list; -1 the first input, -2 the second
  Shape in, out;            ///< `in` is the shape of inputs[0]
  Window kernel, stride;
  int groups = 1;
  bool norm = false, bias = false;
  Act act = Act::none;
};

/// True for a convolution with one group per channel.
inline bool is_depthwise(const Op& op) {
  return op.kind == OpKind::conv && op.groups > 1 && op.groups == op.in.channels &&
         op.groups == op.out.channels;
}
/// True for the ops that hold weights.
inline bool has_weights(const Op& op) {
  return op.kind == OpKind::conv || op.kind == OpKind::linear;
}

/// The block's primitives in order; the last is the output. The one place that knows what a block
/// kind is made of. Throws LogicError where a shortcut would join two shapes, a kernel is even, or
/// groups do not divide channels.
std::vector<Op> lower(const BlockSpec& block);

/// lower(block).back().out without building the ops.
Shape output_shape(const BlockSpec& block);

}  // namespace lathe::spaces
