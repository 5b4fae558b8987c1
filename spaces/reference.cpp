#include "spaces/reference.hpp"

#include "spaces/base/error.hpp"

#include <algorithm>
#include <cmath>

namespace lathe::spaces {
namespace {

std::size_t area(const Shape& shape) {
  return static_cast<std::size_t>(shape.height) * static_cast<std::size_t>(shape.width);
}
std::size_t size_of(const Shape& shape) {
  return area(shape) * static_cast<std::size_t>(shape.channels);
}
std::size_t index(int value) { return static_cast<std::size_t>(value); }

std::size_t weight_count(const Op& op) {
  return index(op.out.channels) * index(op.in.channels / op.groups) * index(op.kernel.height) *
         index(op.kernel.width);
}

double relu6(double x) { return std::min(std::max(x, 0.0), 6.0); }

double activate(Act act, double x) {
  switch (act) {
    case Act::none:
      return x;
    case Act::relu:
      return std::max(x, 0.0);
    case Act::relu6:
      return relu6(x);
    case Act::hswish:
      return x * relu6(x + 3) / 6;
    case Act::swish:
      return x / (1 + std::exp(-x));
    case Act::hsigmoid:
      return relu6(x + 3) / 6;
    case Act::sigmoid:
      return 1 / (1 + std::exp(-x));
  }
  throw LogicError("unknown activation");
}

/// The input as doubles with a border of zeros, so that no loop asks whether a pixel exists. The
/// border is (kernel - 1) / 2 on every side; behind it stands what the last stride may still touch.
struct Padded {
  int height, width;
  std::vector<double> values;

  Padded(const Plane& plane, const Op& op)
      : height((op.out.height - 1) * op.stride.height + op.kernel.height),
        width((op.out.width - 1) * op.stride.width + op.kernel.width) {
    const Shape& in = plane.shape;
    const int top = (op.kernel.height - 1) / 2, left = (op.kernel.width - 1) / 2;
    values.assign(index(in.channels) * index(height) * index(width), 0.0);
    const int columns = std::min(in.width, width - left);
    const int rows = std::min(in.height, height - top);
    for (int c = 0; c < in.channels; ++c) {
      for (int y = 0; y < rows; ++y) {
        const float* from = &plane.values[index(c) * area(in) + index(y) * index(in.width)];
        double* to =
            &values[(index(c) * index(height) + index(y + top)) * index(width) + index(left)];
        std::copy(from, from + columns, to);
      }
    }
  }
  const double* row(int channel, int y) const {
    return &values[(index(channel) * index(height) + index(y)) * index(width)];
  }
};

/// Adds one input channel's part to one output channel's sums; returns the number of products.
std::int64_t accumulate(const Op& op, const Padded& input, int channel, const float* kernel,
                        std::vector<double>& sums) {
  std::int64_t products = 0;
  const int step = op.stride.width, columns = op.out.width;
  for (int ky = 0; ky < op.kernel.height; ++ky) {
    for (int kx = 0; kx < op.kernel.width; ++kx) {
      const double w = *kernel++;
      for (int y = 0; y < op.out.height; ++y) {
        const double* from = input.row(channel, y * op.stride.height + ky) + kx;
        double* to = &sums[index(y) * index(columns)];
        if (step == 1) {
          for (int x = 0; x < columns; ++x) to[x] += w * from[x];
        } else {
          for (int x = 0; x < columns; ++x) to[x] += w * from[x * step];
        }
        products += columns;
      }
    }
  }
  return products;
}

/// Bias, batch norm and activation of one output channel.
void finish(const Op& op, const OpWeights& weights, int channel, double epsilon,
            const std::vector<double>& sums, float* to) {
  const std::size_t c = index(channel);
  double scale = 1, shift = op.bias ? double(weights.bias[c]) : 0.0;
  if (op.norm) {
    scale = weights.gamma[c] / std::sqrt(weights.variance[c] + epsilon);
    shift = (shift - weights.mean[c]) * scale + weights.beta[c];
  }
  for (std::size_t i = 0; i < sums.size(); ++i) {
    to[i] = static_cast<float>(activate(op.act, sums[i] * scale + shift));
  }
}

/// Also linear layers, which are 1x1 convolutions of a 1 x 1 map. Returns the number of products.
std::int64_t run_convolution(const Op& op, const OpWeights& weights, const Plane& input,
                             double epsilon, Plane& output) {
  std::int64_t products = 0;
  const Padded padded(input, op);
  const int per_group_in = op.in.channels / op.groups, per_group_out = op.out.channels / op.groups;
  const std::size_t window = index(op.kernel.height) * index(op.kernel.width);
  std::vector<double> sums(area(op.out));
  for (int out = 0; out < op.out.channels; ++out) {
    std::fill(sums.begin(), sums.end(), 0.0);
    const float* kernel = &weights.weight[index(out) * index(per_group_in) * window];
    for (int in = 0; in < per_group_in; ++in, kernel += window) {
      const int channel = out / per_group_out * per_group_in + in;
      products += accumulate(op, padded, channel, kernel, sums);
    }
    finish(op, weights, out, epsilon, sums, &output.values[index(out) * area(op.out)]);
  }
  return products;
}

void run_global_pool(const Op& op, const Plane& input, Plane& output) {
  const std::size_t pixels = area(op.in);
  for (std::size_t c = 0; c < index(op.in.channels); ++c) {
    double sum = 0;
    for (std::size_t i = 0; i < pixels; ++i) sum += input.values[c * pixels + i];
    output.values[c] = static_cast<float>(activate(op.act, sum / double(pixels)));
  }
}

/// Pads 1 where a side is odd; the padded zeros count in the mean.
void run_average_pool(const Op& op, const Plane& input, Plane& output) {
  const int top = op.in.height % 2, left = op.in.width % 2;
  const double window = double(op.kernel.height) * op.kernel.width;
  float* to = output.values.data();
  for (int c = 0; c < op.out.channels; ++c) {
    for (int y = 0; y < op.out.height; ++y) {
      for (int x = 0; x < op.out.width; ++x) {
        double sum = 0;
        for (int ky = 0; ky < op.kernel.height; ++ky) {
          for (int kx = 0; kx < op.kernel.width; ++kx) {
            const int row = y * op.stride.height + ky - top,
                      column = x * op.stride.width + kx - left;
            if (row < 0 || column < 0 || row >= op.in.height || column >= op.in.width) continue;
            sum += input.values[index(c) * area(op.in) + index(row) * index(op.in.width) +
                                index(column)];
          }
        }
        *to++ = static_cast<float>(activate(op.act, sum / window));
      }
    }
  }
}

/// Groups x channels-per-group, transposed (Zhang et al. 2018, ShuffleNet, figure 1).
void run_shuffle(const Op& op, const Plane& input, Plane& output) {
  const std::size_t groups = index(op.groups), per_group = index(op.in.channels) / groups;
  const std::size_t pixels = area(op.in);
  for (std::size_t g = 0; g < groups; ++g) {
    for (std::size_t i = 0; i < per_group; ++i) {
      const float* from = &input.values[(g * per_group + i) * pixels];
      std::copy(from, from + pixels, &output.values[(i * groups + g) * pixels]);
    }
  }
}

void run_gate(const Op& op, const Plane& gate, const Plane& map, Plane& output) {
  const std::size_t pixels = area(map.shape);
  for (std::size_t i = 0; i < map.values.size(); ++i) {
    const double product = double(gate.values[i / pixels]) * map.values[i];
    output.values[i] = static_cast<float>(activate(op.act, product));
  }
}

void run_add(const Op& op, const Plane& a, const Plane& b, Plane& output) {
  for (std::size_t i = 0; i < a.values.size(); ++i) {
    output.values[i] = static_cast<float>(activate(op.act, double(a.values[i]) + b.values[i]));
  }
}

void check_weights(const Op& op, const OpWeights& weights) {
  const std::size_t out = index(op.out.channels);
  LATHE_CHECK(op.in.channels % op.groups == 0 && op.out.channels % op.groups == 0,
              op.name + ": groups do not divide the channels");
  LATHE_CHECK(weights.weight.size() == weight_count(op), op.name + ": weight of another size");
  LATHE_CHECK(weights.bias.size() == (op.bias ? out : 0), op.name + ": bias of another size");
  for (const auto* part : {&weights.gamma, &weights.beta, &weights.mean, &weights.variance}) {
    LATHE_CHECK(part->size() == (op.norm ? out : 0), op.name + ": batch norm of another size");
  }
}

const Plane& source(int input, const std::vector<Plane>& inputs, const std::vector<Plane>& done) {
  const std::size_t at = input < 0 ? index(-1 - input) : index(input);
  const auto& list = input < 0 ? inputs : done;
  LATHE_CHECK(at < list.size(), "an op reads a tensor that is not there");
  return list[at];
}

/// Throws LogicError where what an op reads does not have the shapes that it was made for.
void check_inputs(const Op& op, const Plane& first, const Plane* second) {
  LATHE_CHECK(first.shape == op.in && first.values.size() == size_of(op.in),
              op.name + ": input of another size");
  const bool two = op.kind == OpKind::gate_multiply || op.kind == OpKind::add;
  LATHE_CHECK(two == (second != nullptr), op.name + ": another number of inputs");
  if (second != nullptr) {
    LATHE_CHECK(second->shape == op.out && second->values.size() == size_of(op.out),
                op.name + ": second input of another size");
  }
  if (op.kind == OpKind::gate_multiply) {
    LATHE_CHECK(area(op.in) == 1 && op.in.channels == op.out.channels,
                op.name + ": a gate has one value per channel");
  }
}

}  // namespace

OpWeights random_weights(const Op& op, Rng& rng) {
  OpWeights weights;
  if (!has_weights(op)) return weights;
  const auto fill = [&](std::vector<float>& to, std::size_t count, double mean, double deviation) {
    to.resize(count);
    for (float& value : to) value = static_cast<float>(mean + deviation * rng.normal());
  };
  const std::size_t out = index(op.out.channels);
  const double fan_in = double(weight_count(op)) / double(out);
  fill(weights.weight, weight_count(op), 0, std::sqrt(2 / fan_in));
  if (op.bias) fill(weights.bias, out, 0, 0.05);
  if (op.norm) {
    fill(weights.gamma, out, 1, 0.1);
    fill(weights.beta, out, 0, 0.1);
    fill(weights.mean, out, 0, 0.1);
    weights.variance.resize(out);
    for (float& value : weights.variance) value = static_cast<float>(0.75 + 0.5 * rng.uniform());
  }
  return weights;
}

void fold_batch_norm(Op& op, OpWeights& weights, double epsilon) {
  if (!op.norm) return;
  check_weights(op, weights);
  const std::size_t out = index(op.out.channels), per_channel = weight_count(op) / out;
  std::vector<float> bias(out);
  for (std::size_t c = 0; c < out; ++c) {
    const double scale = weights.gamma[c] / std::sqrt(weights.variance[c] + epsilon);
    const double old_bias = op.bias ? double(weights.bias[c]) : 0.0;
    bias[c] = static_cast<float>(weights.beta[c] + (old_bias - weights.mean[c]) * scale);
    for (std::size_t i = 0; i < per_channel; ++i) {
      float& value = weights.weight[c * per_channel + i];
      value = static_cast<float>(value * scale);
    }
  }
  weights.bias = std::move(bias);
  weights.gamma.clear();
  weights.beta.clear();
  weights.mean.clear();
  weights.variance.clear();
  op.norm = false;
  op.bias = true;
}

Plane run_reference(const std::vector<Op>& ops, const std::vector<OpWeights>& weights,
                    const std::vector<Plane>& inputs, double epsilon,
                    std::int64_t* multiplications) {
  LATHE_CHECK(!ops.empty() && ops.size() == weights.size(), "weights for another number of ops");
  std::vector<Plane> done;
  done.reserve(ops.size());
  std::int64_t products = 0;
  for (std::size_t i = 0; i < ops.size(); ++i) {
    const Op& op = ops[i];
    LATHE_CHECK(!op.inputs.empty() && op.inputs.size() <= 2, op.name + ": one or two inputs");
    const Plane& first = source(op.inputs[0], inputs, done);
    const Plane* second = op.inputs.size() == 2 ? &source(op.inputs[1], inputs, done) : nullptr;
    check_inputs(op, first, second);
    Plane output{op.out, std::vector<float>(size_of(op.out))};
    switch (op.kind) {
      case OpKind::conv:
      case OpKind::linear:
        check_weights(op, weights[i]);
        products += run_convolution(op, weights[i], first, epsilon, output);
        break;
      case OpKind::global_pool:
        run_global_pool(op, first, output);
        break;
      case OpKind::average_pool:
        run_average_pool(op, first, output);
        break;
      case OpKind::channel_shuffle:
        run_shuffle(op, first, output);
        break;
      case OpKind::gate_multiply:
        run_gate(op, first, *second, output);
        break;
      case OpKind::add:
        run_add(op, first, *second, output);
        break;
    }
    done.push_back(std::move(output));
  }
  if (multiplications != nullptr) *multiplications = products;
  return std::move(done.back());
}

}  // namespace lathe::spaces
