#pragma once

#include "spaces/block.hpp"

#include <ATen/core/Tensor.h>

namespace lathe::supernet {

/// Batch norm's own tensors, one value per channel.
struct NormTensors {
  at::Tensor gamma, beta, mean, variance;  ///< mean and variance: the running ones
};

/// Whether norm_activate() computes that: 32-bit floats on the CPU, more than one pixel a channel,
/// an activation and a number of channels that norm_kernels.hpp has.
bool own_norm_fits(const at::Tensor& x, const NormTensors& norm, spaces::Act act);

/// act(batch norm of x by the batch's own statistics), as at::batch_norm in training mode and the
/// activation after it; the running statistics move by `momentum` in place. One pass over memory
/// for the statistics (in double) and one for the result, and two backward, where torch's separate
/// kernels take three and one more for each activation, and store what stands between. The same
/// bytes on any number of threads. x: N x C x H x W.
at::Tensor norm_activate(const at::Tensor& x, const NormTensors& norm, spaces::Act act,
                         double momentum, double epsilon);

}  // namespace lathe::supernet
