#include "supernet/elastic/depthwise_gradient.hpp"

#include "supernet/elastic/lanes.hpp"

#include <algorithm>
#include <vector>

namespace lathe::supernet {
namespace {

/// Outputs whose products are summed in registers before they are added to the total: input and
/// gradient of one tile stay in the first-level cache over all kernel rows, and partial sums keep
/// the rounding error small.
constexpr std::int64_t kTileOutputs = 256;

/// `V` vectors of eight channels from `first` on.
template <int K, int V>
LATHE_TARGET void gradient_of_lanes(const DepthwiseShape& s, const float* input,
                                    const float* output_gradient, float* gradient,
                                    std::int64_t first) {
  constexpr std::int64_t pad = K / 2;
  const std::int64_t channels = s.channels;
  const std::int64_t tile_rows = std::max<std::int64_t>(1, kTileOutputs / s.out_width);
  Lanes total[K][K][V] = {};
  for (std::int64_t image = 0; image < s.batch; ++image) {
    const float* const in = input + image * s.height * s.width * channels + first;
    const float* const out =
        output_gradient + image * s.out_height * s.out_width * channels + first;
    for (std::int64_t tile = 0; tile < s.out_height; tile += tile_rows) {
      const std::int64_t tile_end = std::min(s.out_height, tile + tile_rows);
      for (std::int64_t row = 0; row < K; ++row) {
        Lanes sum[K][V] = {};
        for (std::int64_t y = tile; y < tile_end; ++y) {
          const std::int64_t in_y = y * s.stride - pad + row;
          if (in_y < 0 || in_y >= s.height) continue;
          const float* const in_row = in + in_y * s.width * channels;
          const float* const out_row = out + y * s.out_width * channels;
          for (std::int64_t x = 0; x < s.out_width; ++x) {
            Lanes g[V];
            for (int v = 0; v < V; ++v)
              g[v] = *reinterpret_cast<const Lanes*>(out_row + x * channels + 8 * v);
            const std::int64_t in_x = x * s.stride - pad;
            // Two bodies, because with a test inside the sums would leave their registers.
            if (in_x >= 0 && in_x + K <= s.width) {
#pragma GCC unroll 7
              for (int k = 0; k < K; ++k)
                for (int v = 0; v < V; ++v)
                  sum[k][v] += g[v] * *reinterpret_cast<const Lanes*>(
                                          in_row + (in_x + k) * channels + 8 * v);
            } else {
#pragma GCC unroll 7
              for (int k = 0; k < K; ++k) {
                if (in_x + k < 0 || in_x + k >= s.width) continue;
                for (int v = 0; v < V; ++v)
                  sum[k][v] += g[v] * *reinterpret_cast<const Lanes*>(
                                          in_row + (in_x + k) * channels + 8 * v);
              }
            }
          }
        }
        for (int k = 0; k < K; ++k)
          for (int v = 0; v < V; ++v) total[row][k][v] += sum[k][v];
      }
    }
  }
  for (int row = 0; row < K; ++row)
    for (int k = 0; k < K; ++k)
      for (int v = 0; v < V; ++v)
        for (int lane = 0; lane < 8; ++lane)
          gradient[((first + 8 * v + lane) * K + row) * K + k] = total[row][k][v][lane];
}

/// As many whole vectors as there are; returns the number of channels done.
template <int K>
LATHE_TARGET std::int64_t gradient_in_lanes(const DepthwiseShape& s, const float* input,
                                            const float* output_gradient, float* gradient,
                                            std::int64_t first, std::int64_t count) {
  std::int64_t done = 0;
  for (; done + 16 <= count; done += 16)
    gradient_of_lanes<K, 2>(s, input, output_gradient, gradient, first + done);
  for (; done + 8 <= count; done += 8)
    gradient_of_lanes<K, 1>(s, input, output_gradient, gradient, first + done);
  return done;
}

}  // namespace

void depthwise_weight_gradient_plain(const DepthwiseShape& s, const float* input,
                                     const float* output_gradient, float* gradient,
                                     std::int64_t first, std::int64_t count) {
  const std::int64_t elements = std::int64_t(s.kernel) * s.kernel, pad = s.kernel / 2;
  std::vector<double> total(static_cast<std::size_t>(elements * count));
  for (std::int64_t image = 0; image < s.batch; ++image)
    for (std::int64_t y = 0; y < s.out_height; ++y)
      for (std::int64_t x = 0; x < s.out_width; ++x) {
        const float* const out =
            output_gradient + ((image * s.out_height + y) * s.out_width + x) * s.channels + first;
        for (std::int64_t element = 0; element < elements; ++element) {
          const std::int64_t in_y = y * s.stride - pad + element / s.kernel;
          const std::int64_t in_x = x * s.stride - pad + element % s.kernel;
          if (in_y < 0 || in_y >= s.height || in_x < 0 || in_x >= s.width) continue;
          const float* const in =
              input + ((image * s.height + in_y) * s.width + in_x) * s.channels + first;
          double* const sum = total.data() + element * count;
          for (std::int64_t c = 0; c < count; ++c) sum[c] += double(in[c]) * double(out[c]);
        }
      }
  for (std::int64_t c = 0; c < count; ++c)
    for (std::int64_t element = 0; element < elements; ++element)
      gradient[(first + c) * elements + element] =
          float(total[static_cast<std::size_t>(element * count + c)]);
}

void depthwise_weight_gradient(const DepthwiseShape& s, const float* input,
                               const float* output_gradient, float* gradient, std::int64_t first,
                               std::int64_t count) {
  std::int64_t done = 0;
  if (has_lanes()) {
    const auto run = s.kernel == 3   ? gradient_in_lanes<3>
                     : s.kernel == 5 ? gradient_in_lanes<5>
                                     : gradient_in_lanes<7>;
    done = run(s, input, output_gradient, gradient, first, count);
  }
  if (done < count)
    depthwise_weight_gradient_plain(s, input, output_gradient, gradient, first + done,
                                    count - done);
}

}  // namespace lathe::supernet
