#include "supernet/elastic/norm_activate.hpp"

#include "supernet/elastic/norm_kernels.hpp"

#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace lathe::supernet {
namespace {

using spaces::Act;
using torch::Tensor;

/// Rows are divided by their number alone, so that any number of threads sums in the same order.
constexpr std::int64_t kParts = 16;

NormShape shape_of(const Tensor& x) { return {x.numel() / x.size(1), x.size(1)}; }

/// Calls body(part, begin, end) for the parts of the rows, in parallel.
template <typename Body>
void for_parts(const NormShape& shape, const Body& body) {
  const std::int64_t rows = (shape.rows + kParts - 1) / kParts;
  at::parallel_for(0, kParts, 1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t part = first; part < last; ++part) {
      const std::int64_t begin = std::min(part * rows, shape.rows);
      body(part, begin, std::min(begin + rows, shape.rows));
    }
  });
}

/// Two sums per channel over all rows: add(begin, end, sums) adds those of some rows.
template <typename Add>
std::vector<double> sums_over_rows(const NormShape& shape, const Add& add) {
  const auto size = static_cast<std::size_t>(2 * shape.channels);
  std::vector<double> parts(static_cast<std::size_t>(kParts) * size);
  for_parts(shape, [&](std::int64_t part, std::int64_t begin, std::int64_t end) {
    add(begin, end, parts.data() + static_cast<std::size_t>(part) * size);
  });
  for (std::size_t i = size; i < parts.size(); ++i) parts[i % size] += parts[i];
  parts.resize(size);
  return parts;
}

/// Means of some rows from all over: near enough to the true ones that squares of what is left
/// lose nothing.
std::vector<float> rough_means(const NormShape& shape, const float* x) {
  std::vector<double> sums(static_cast<std::size_t>(shape.channels));
  const std::int64_t used = std::min<std::int64_t>(shape.rows, 16);
  for (std::int64_t i = 0; i < used; ++i) {
    const float* const row = x + i * shape.rows / used * shape.channels;
    for (std::size_t c = 0; c < sums.size(); ++c) sums[c] += double(row[c]);
  }
  std::vector<float> means;
  for (const double sum : sums) means.push_back(static_cast<float>(sum / double(used)));
  return means;
}

/// Rows of `line`: mean, scale (gamma over the deviation), beta. Deviations also stand alone.
struct Statistics {
  Tensor line, inverse_deviation;
};

NormLine line_of(const Tensor& line) {
  const float* const first = line.const_data_ptr<float>();
  return {first, first + line.size(1), first + 2 * line.size(1)};
}

/// Of the batch; the running ones move.
Statistics take_statistics(const Tensor& x, const NormTensors& norm, double momentum,
                           double epsilon) {
  const NormShape shape = shape_of(x);
  const float* const values = x.const_data_ptr<float>();
  const std::vector<float> shift = rough_means(shape, values);
  const std::vector<double> sums =
      sums_over_rows(shape, [&](std::int64_t begin, std::int64_t end, double* to) {
        add_deviations(shape, begin, end, values, shift.data(), to);
      });
  const std::int64_t channels = shape.channels;
  const double rows = double(shape.rows);
  Statistics result{at::empty({3, channels}, x.options().memory_format(std::nullopt)),
                    at::empty({channels}, x.options().memory_format(std::nullopt))};
  float* const line = result.line.mutable_data_ptr<float>();
  float* const inverse = result.inverse_deviation.mutable_data_ptr<float>();
  float* const running_mean = norm.mean.mutable_data_ptr<float>();
  float* const running_variance = norm.variance.mutable_data_ptr<float>();
  const float* const gamma = norm.gamma.const_data_ptr<float>();
  const float* const beta = norm.beta.const_data_ptr<float>();
  for (std::int64_t c = 0; c < channels; ++c) {
    const double first = sums[static_cast<std::size_t>(c)];
    const double second = sums[static_cast<std::size_t>(channels + c)];
    const double mean = double(shift[static_cast<std::size_t>(c)]) + first / rows;
    const double variance = std::max(0.0, (second - first * first / rows) / rows);
    const double deviation = std::sqrt(variance + epsilon);
    line[c] = float(mean);
    line[channels + c] = float(double(gamma[c]) / deviation);
    line[2 * channels + c] = beta[c];
    inverse[c] = float(1 / deviation);
    const auto move = [&](float& running, double to) {
      running = float((1 - momentum) * double(running) + momentum * to);
    };
    move(running_mean[c], mean);
    move(running_variance[c], variance * rows / (rows - 1));
  }
  return result;
}

struct NormActivate : torch::autograd::Function<NormActivate> {
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& input,
                        const Tensor& gamma, const Tensor& beta, const Tensor& mean,
                        const Tensor& variance, std::int64_t act, double momentum, double epsilon) {
    const Tensor x = input.contiguous(at::MemoryFormat::ChannelsLast);
    const Statistics statistics = take_statistics(
        x, {gamma.contiguous(), beta.contiguous(), mean, variance}, momentum, epsilon);
    const NormShape shape = shape_of(x);
    const NormLine line = line_of(statistics.line);
    const Tensor y = at::empty_like(x);
    const float* const from = x.const_data_ptr<float>();
    float* const to = y.mutable_data_ptr<float>();
    for_parts(shape, [&](std::int64_t, std::int64_t begin, std::int64_t end) {
      normalise_rows(shape, begin, end, from, line, Act(act), to);
    });
    context->save_for_backward({x, statistics.line, statistics.inverse_deviation});
    context->saved_data["act"] = act;
    return y;
  }

  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext* context,
                                               const torch::autograd::tensor_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor &x = saved[0], &inverse_deviation = saved[2];
    const Tensor y_gradient = gradients[0].contiguous(at::MemoryFormat::ChannelsLast);
    const Act act = Act(context->saved_data["act"].toInt());
    const NormShape shape = shape_of(x);
    const NormLine line = line_of(saved[1]);
    const float* const values = x.const_data_ptr<float>();
    const float* const g = y_gradient.const_data_ptr<float>();
    const std::vector<double> sums =
        sums_over_rows(shape, [&](std::int64_t begin, std::int64_t end, double* to) {
          add_gradients(shape, begin, end, values, g, line, act, to);
        });
    const Tensor to_gamma = at::empty_like(inverse_deviation);
    const Tensor to_beta = at::empty_like(inverse_deviation);
    const auto channels = static_cast<std::size_t>(shape.channels);
    std::vector<float> slope(channels), offset(channels);
    for (std::size_t c = 0; c < channels; ++c) {
      const double inverse = double(inverse_deviation.const_data_ptr<float>()[c]);
      const double of_gamma = sums[channels + c] * inverse, of_beta = sums[c];
      const double per_row = double(line.scale[c]) / double(shape.rows);
      to_gamma.mutable_data_ptr<float>()[c] = float(of_gamma);
      to_beta.mutable_data_ptr<float>()[c] = float(of_beta);
      slope[c] = float(-per_row * of_gamma * inverse);
      offset[c] = float(-per_row * of_beta);
    }
    const Tensor to_x = at::empty_like(x);
    float* const to = to_x.mutable_data_ptr<float>();
    for_parts(shape, [&](std::int64_t, std::int64_t begin, std::int64_t end) {
      gradient_rows(shape, begin, end, values, g, line, slope.data(), offset.data(), act, to);
    });
    return {to_x, to_gamma, to_beta, {}, {}, {}, {}, {}};
  }
};

}  // namespace

bool own_norm_fits(const Tensor& x, const NormTensors& norm, Act act) {
  return x.is_cpu() && x.scalar_type() == at::kFloat && x.numel() > x.size(1) &&
         norm.mean.is_contiguous() && norm.variance.is_contiguous() &&
         norm_kernels_fit(act, x.size(1));
}

Tensor norm_activate(const Tensor& x, const NormTensors& norm, Act act, double momentum,
                     double epsilon) {
  return NormActivate::apply(x, norm.gamma, norm.beta, norm.mean, norm.variance, std::int64_t(act),
                             momentum, epsilon);
}

}  // namespace lathe::supernet
