#include "supernet/elastic/norm_kernels.hpp"

#include "spaces/base/error.hpp"
#include "supernet/elastic/lanes.hpp"

#include <algorithm>
#include <vector>

namespace lathe::supernet {
namespace {

using spaces::Act;

/// Rows that go through the registers together where a row is short, so that a sum is not waited
/// for by the next row; long rows are faster read in one stream.
constexpr int kRows = 4;
constexpr std::int64_t kShortRow = 64;
/// Rows whose values are summed in float before they are added to the total in double.
constexpr std::int64_t kRowsInFloat = 256;

LATHE_TARGET inline Lanes load(const float* from) { return *reinterpret_cast<const Lanes*>(from); }
LATHE_TARGET inline void store(float* to, Lanes value) { *reinterpret_cast<Lanes*>(to) = value; }

// value() and gradient() in torch's conventions at the kinks; NaN stays NaN.
struct Identity {
  LATHE_TARGET static Lanes value(Lanes y) { return y; }
  LATHE_TARGET static Lanes gradient(Lanes, Lanes g) { return g; }
};
struct Relu {
  LATHE_TARGET static Lanes value(Lanes y) { return y < 0.0F ? Lanes{} : y; }
  LATHE_TARGET static Lanes gradient(Lanes y, Lanes g) { return y <= 0.0F ? Lanes{} : g; }
};
struct Hswish {
  LATHE_TARGET static Lanes value(Lanes y) {
    const Lanes six = Lanes{} + 6.0F;
    Lanes gate = y + 3.0F;
    gate = gate < 0.0F ? Lanes{} : gate;
    gate = gate > 6.0F ? six : gate;
    return y * gate * (1.0F / 6.0F);
  }
  LATHE_TARGET static Lanes gradient(Lanes y, Lanes g) {
    const Lanes inner = g * (y * (1.0F / 3.0F) + 0.5F);
    return y < -3.0F ? Lanes{} : y <= 3.0F ? inner : g;
  }
};

/// Everything of one kernel that does not change from row to row.
struct Rows {
  std::int64_t channels;
  const float* x;
  const float* g;
  NormLine line;
  float* first_sum;
  float* second_sum;
};

template <int R>
LATHE_TARGET void add_deviations_of(Rows r, std::int64_t row) {
  const float* const x = r.x + row * r.channels;
  for (std::int64_t c = 0; c < r.channels; c += 8) {
    const Lanes shift = load(r.line.mean + c);
    Lanes first = load(r.first_sum + c), second = load(r.second_sum + c);
#pragma GCC unroll 4
    for (int i = 0; i < R; ++i) {
      const Lanes d = load(x + i * r.channels + c) - shift;
      first += d;
      second += d * d;
    }
    store(r.first_sum + c, first);
    store(r.second_sum + c, second);
  }
}

template <int R, typename A>
LATHE_TARGET void add_gradients_of(Rows r, std::int64_t row) {
  const float* const x = r.x + row * r.channels;
  const float* const g = r.g + row * r.channels;
  for (std::int64_t c = 0; c < r.channels; c += 8) {
    const Lanes mean = load(r.line.mean + c), scale = load(r.line.scale + c);
    const Lanes beta = load(r.line.beta + c);
    Lanes first = load(r.first_sum + c), second = load(r.second_sum + c);
#pragma GCC unroll 4
    for (int i = 0; i < R; ++i) {
      const Lanes d = load(x + i * r.channels + c) - mean;
      const Lanes before = A::gradient(d * scale + beta, load(g + i * r.channels + c));
      first += before;
      second += before * d;
    }
    store(r.first_sum + c, first);
    store(r.second_sum + c, second);
  }
}

using AddRows = void (*)(Rows, std::int64_t row);

/// Sums over rows in float, a few at a time, and the sums of those in double.
void add_in_parts(Rows rows, std::int64_t begin, std::int64_t end, AddRows many, AddRows one,
                  double* sums) {
  const auto channels = static_cast<std::size_t>(rows.channels);
  std::vector<float> part(2 * channels);
  rows.first_sum = part.data(), rows.second_sum = part.data() + channels;
  while (begin < end) {
    const std::int64_t stop = std::min(end, begin + kRowsInFloat);
    std::fill(part.begin(), part.end(), 0.0F);
    if (rows.channels < kShortRow)
      for (; begin + kRows <= stop; begin += kRows) many(rows, begin);
    for (; begin < stop; ++begin) one(rows, begin);
    for (std::size_t i = 0; i < 2 * channels; ++i) sums[i] += double(part[i]);
  }
}

template <typename A>
LATHE_TARGET void normalise_rows_of(Rows r, std::int64_t begin, std::int64_t end, float* y) {
  for (std::int64_t row = begin; row < end; ++row) {
    const float* const x = r.x + row * r.channels;
    float* const to = y + row * r.channels;
    for (std::int64_t c = 0; c < r.channels; c += 8)
      store(to + c, A::value((load(x + c) - load(r.line.mean + c)) * load(r.line.scale + c) +
                             load(r.line.beta + c)));
  }
}

template <typename A>
LATHE_TARGET void gradient_rows_of(Rows r, std::int64_t begin, std::int64_t end, const float* slope,
                                   const float* offset, float* x_gradient) {
  for (std::int64_t row = begin; row < end; ++row) {
    const float* const x = r.x + row * r.channels;
    const float* const g = r.g + row * r.channels;
    float* const to = x_gradient + row * r.channels;
    for (std::int64_t c = 0; c < r.channels; c += 8) {
      const Lanes d = load(x + c) - load(r.line.mean + c), scale = load(r.line.scale + c);
      const Lanes before = A::gradient(d * scale + load(r.line.beta + c), load(g + c));
      store(to + c, before * scale + (d * load(slope + c) + load(offset + c)));
    }
  }
}

/// Calls body(Identity()), body(Relu()) or body(Hswish()).
template <typename Body>
void with_activation(Act act, const Body& body) {
  switch (act) {
    case Act::none:
      return body(Identity());
    case Act::relu:
      return body(Relu());
    case Act::hswish:
      return body(Hswish());
    default:
      throw LogicError("norm kernels: an activation that norm_kernels_fit refuses");
  }
}

}  // namespace

bool norm_kernels_fit(Act act, std::int64_t channels) {
  return (act == Act::none || act == Act::relu || act == Act::hswish) && channels % 8 == 0 &&
         has_lanes();
}

void add_deviations(const NormShape& shape, std::int64_t begin, std::int64_t end, const float* x,
                    const float* shift, double* sums) {
  const Rows rows{shape.channels, x, nullptr, {shift, nullptr, nullptr}, nullptr, nullptr};
  add_in_parts(rows, begin, end, add_deviations_of<kRows>, add_deviations_of<1>, sums);
}

void normalise_rows(const NormShape& shape, std::int64_t begin, std::int64_t end, const float* x,
                    const NormLine& line, Act act, float* y) {
  const Rows rows{shape.channels, x, nullptr, line, nullptr, nullptr};
  with_activation(act, [&](auto a) { normalise_rows_of<decltype(a)>(rows, begin, end, y); });
}

void add_gradients(const NormShape& shape, std::int64_t begin, std::int64_t end, const float* x,
                   const float* y_gradient, const NormLine& line, Act act, double* sums) {
  const Rows rows{shape.channels, x, y_gradient, line, nullptr, nullptr};
  with_activation(act, [&](auto a) {
    using A = decltype(a);
    add_in_parts(rows, begin, end, add_gradients_of<kRows, A>, add_gradients_of<1, A>, sums);
  });
}

void gradient_rows(const NormShape& shape, std::int64_t begin, std::int64_t end, const float* x,
                   const float* y_gradient, const NormLine& line, const float* slope,
                   const float* offset, Act act, float* x_gradient) {
  const Rows rows{shape.channels, x, y_gradient, line, nullptr, nullptr};
  with_activation(act, [&](auto a) {
    gradient_rows_of<decltype(a)>(rows, begin, end, slope, offset, x_gradient);
  });
}

}  // namespace lathe::supernet
