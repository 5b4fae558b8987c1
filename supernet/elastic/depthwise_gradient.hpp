#pragma once

#include <cstdint>

namespace lathe::supernet {

/// A depthwise convolution in channels_last: padding (kernel - 1) / 2 on all sides, the same stride
/// both ways.
struct DepthwiseShape {
  std::int64_t batch = 0, height = 0, width = 0, channels = 0;
  std::int64_t out_height = 0, out_width = 0;
  int kernel = 3;  ///< 3, 5 or 7
  int stride = 1;
};

/// Channels that one work item covers; items are independent, so that any number of threads gives
/// the same bytes.
constexpr std::int64_t kDepthwiseChannels = 16;

/// Weight gradient of channels [first, first + count): gradient[c][row][column] = sum over images
/// and outputs of output_gradient times the input that kernel element (row, column) met. input:
/// batch x height x width x channels; output_gradient: batch x out_height x out_width x channels;
/// gradient: channels x kernel x kernel. Written for torch's CPU library being slow here: 4 to 180
/// times for 5 x 5 and 7 x 7 kernels and for maps that are hardly larger than the kernel. AVX2
/// where the processor has it.
void depthwise_weight_gradient(const DepthwiseShape& shape, const float* input,
                               const float* output_gradient, float* gradient, std::int64_t first,
                               std::int64_t count);

/// The same in plain loops: what runs without AVX2 and for channels beyond the last multiple of
/// eight.
void depthwise_weight_gradient_plain(const DepthwiseShape& shape, const float* input,
                                     const float* output_gradient, float* gradient,
                                     std::int64_t first, std::int64_t count);

}  // namespace lathe::supernet
