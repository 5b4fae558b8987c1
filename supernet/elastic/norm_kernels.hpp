#pragma once

#include "spaces/block.hpp"

#include <cstdint>

namespace lathe::supernet {

/// Whether the kernels below can run: these activations, whole vectors of eight channels, and AVX2
/// where the processor is an x86-64.
bool norm_kernels_fit(spaces::Act act, std::int64_t channels);

/// `rows` pixels of `channels` values each: images in channels_last.
struct NormShape {
  std::int64_t rows = 0, channels = 0;
};

/// Batch norm of one channel per entry: y = act((x - mean) * scale + beta).
struct NormLine {
  const float *mean = nullptr, *scale = nullptr, *beta = nullptr;
};

/// Adds to `sums` (2 x channels), over the rows [begin, end): x - shift, and its square.
void add_deviations(const NormShape& shape, std::int64_t begin, std::int64_t end, const float* x,
                    const float* shift, double* sums);

/// y of the rows [begin, end).
void normalise_rows(const NormShape& shape, std::int64_t begin, std::int64_t end, const float* x,
                    const NormLine& line, spaces::Act act, float* y);

/// Adds to `sums` (2 x channels), over the rows [begin, end): the gradient before the activation,
/// and its product with x - mean.
void add_gradients(const NormShape& shape, std::int64_t begin, std::int64_t end, const float* x,
                   const float* y_gradient, const NormLine& line, spaces::Act act, double* sums);

/// x_gradient of the rows [begin, end): the gradient before the activation times scale, plus
/// (x - mean) * slope + offset.
void gradient_rows(const NormShape& shape, std::int64_t begin, std::int64_t end, const float* x,
                   const float* y_gradient, const NormLine& line, const float* slope,
                   const float* offset, spaces::Act act, float* x_gradient);

}  // namespace lathe::supernet
