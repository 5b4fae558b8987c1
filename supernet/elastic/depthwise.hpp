#pragma once

#include "spaces/lower.hpp"

#include <ATen/core/Tensor.h>

namespace lathe::supernet {

/// Whether depthwise() is the faster way for that op on these images: a kernel of 5 or 7, or of 3
/// on a map of less than 4 x 4, of 32-bit floats on the CPU.
bool own_gradient_pays(const spaces::Op& op, const torch::Tensor& images);

/// Depthwise convolution without bias whose weight gradient is our own kernel
/// (depthwise_gradient.hpp); forward and input gradient are torch's. images: N x C x H x W; weight:
/// C x 1 x k x k.
torch::Tensor depthwise(const torch::Tensor& images, const torch::Tensor& weight, int stride);

}  // namespace lathe::supernet
