#pragma once

#include "spaces/network.hpp"

#include <cstdint>

namespace lathe::spaces {

/// Which parameters of batch norm count: none (TF-slim's MobileNetV2 table), gamma and beta (ours),
/// or with running mean and variance too (TensorFlow object detection).
enum class BnParams { none, affine, all };

struct CountOptions {
  BnParams bn_params = BnParams::affine;
  /// Pooling costs one MAC per input element, as mobile-vision counts (our default: 0).
  bool count_pooling = false;
};

/// MACs: multiply-accumulates of convolutions and linear layers. params: trainable scalars.
struct Count {
  std::int64_t macs = 0, params = 0;
};
Count count(const Op& op, const CountOptions& options = {});
Count count(const BlockSpec& block, const CountOptions& options = {});
Count count(const NetworkSpec& net, const CountOptions& options = {});

/// bytes: per element; in_place: depthwise ops write over their input.
enum class MemoryConvention { fp32, int8, int8_in_place };

/// Peak activation bytes at batch 1: the largest sum over ops of all live tensors (inputs, output,
/// what a later op still needs). MobileNetV2 at 224 px: 6,021,120 fp32, 1,505,280 int8, 1,404,928
/// int8 with depthwise in place (Lin et al. 2021 counts so).
std::int64_t peak_activation_bytes(const NetworkSpec& net,
                                   MemoryConvention convention = MemoryConvention::fp32);

}  // namespace lathe::spaces
