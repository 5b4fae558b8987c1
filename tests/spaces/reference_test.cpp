#include "spaces/reference.hpp"

#include "spaces/base/error.hpp"
#include "tests/spaces/space_support.hpp"
#include "tests/support/catch.hpp"

#include <cmath>
#include <numeric>

using namespace lathe;
using namespace lathe::spaces;

namespace {

std::size_t size_of(const Shape& s) {
  return static_cast<std::size_t>(s.height) * static_cast<std::size_t>(s.width) *
         static_cast<std::size_t>(s.channels);
}

Plane random_plane(const Shape& shape, Rng& rng) {
  Plane plane{shape, std::vector<float>(size_of(shape))};
  for (float& value : plane.values) value = static_cast<float>(rng.normal());
  return plane;
}

Plane counted(const Shape& shape) {
  Plane plane{shape, std::vector<float>(size_of(shape))};
  std::iota(plane.values.begin(), plane.values.end(), 1.0F);
  return plane;
}

Op conv_op(Shape in, int out, int kernel, int stride, int groups) {
  Op op;
  op.kind = OpKind::conv;
  op.name = "conv";
  op.inputs = {-1};
  op.in = in;
  op.out = {(in.height + stride - 1) / stride, (in.width + stride - 1) / stride, out};
  op.kernel = {kernel, kernel};
  op.stride = {stride, stride};
  op.groups = groups;
  return op;
}

/// The definition, pixel by pixel, with a test for the border.
double convolved(const Op& op, const OpWeights& w, const Plane& x, int channel, int row,
                 int column) {
  const int per_group = op.in.channels / op.groups,
            first = channel / (op.out.channels / op.groups) * per_group;
  double sum = 0;
  for (int c = 0; c < per_group; ++c) {
    for (int ky = 0; ky < op.kernel.height; ++ky) {
      for (int kx = 0; kx < op.kernel.width; ++kx) {
        const int y = row * op.stride.height + ky - (op.kernel.height - 1) / 2;
        const int z = column * op.stride.width + kx - (op.kernel.width - 1) / 2;
        if (y < 0 || z < 0 || y >= op.in.height || z >= op.in.width) continue;
        const int weight =
            ((channel * per_group + c) * op.kernel.height + ky) * op.kernel.width + kx;
        const int pixel = ((first + c) * op.in.height + y) * op.in.width + z;
        sum += double(w.weight[static_cast<std::size_t>(weight)]) *
               x.values[static_cast<std::size_t>(pixel)];
      }
    }
  }
  return sum;
}

Op plain_op(OpKind kind, Shape in, Shape out) {
  Op op;
  op.kind = kind;
  op.name = "op";
  op.inputs = {-1};
  op.in = in;
  op.out = out;
  return op;
}

std::vector<OpWeights> weights_of(const std::vector<Op>& ops, Rng& rng) {
  std::vector<OpWeights> weights;
  for (const Op& op : ops) weights.push_back(random_weights(op, rng));
  return weights;
}

/// One block of every kind, on odd and even maps.
std::vector<BlockSpec> small_blocks() {
  std::vector<BlockSpec> all;
  for (const int side : {5, 6}) {
    const Shape in{side, side, 8};
    const auto none = Shortcut::none, id = Shortcut::identity, pooled = Shortcut::pooled;
    all.push_back(make_block(in, 12, 2, Act::relu6, none, Conv{3, 4, false, true}));
    all.push_back(make_block(in, 8, 1, Act::hswish, id, MbConv{5, 24, true, {8}}));
    all.push_back(make_block(in, 12, 2, Act::relu, none, MbConv{7, 16, true, {}, 2}));
    all.push_back(make_block(in, 12, 2, Act::swish, pooled, MbConv{3, 16}));
    all.push_back(make_block(in, 8, 1, Act::relu, id, Fused{3, 16, {4, Act::relu, Act::sigmoid}}));
    all.push_back(make_block(in, 12, 2, Act::relu, none, Tucker{3, 4, 6}));
    all.push_back(make_block(in, 12, 2, Act::relu, none, Universal{5, 3, 16}));
    all.push_back(make_block(in, 8, 1, Act::none, none, GlobalPool{}));
  }
  all.push_back(make_block({1, 1, 8}, 5, 1, Act::none, Shortcut::none, Linear{}));
  return all;
}

}  // namespace

TEST_CASE("a convolution agrees with the numbers on paper", "[spaces]") {
  // 2 x 3 map 1..6, kernel 1..9, zeros around.
  Op op = conv_op({2, 3, 1}, 1, 3, 1, 1);
  OpWeights w;
  for (int i = 1; i <= 9; ++i) w.weight.push_back(static_cast<float>(i));
  const Plane out = run_reference({op}, {w}, {counted({2, 3, 1})}, 1e-5);
  CHECK(out.values == std::vector<float>{94, 154, 106, 58, 91, 58});
  op.bias = true;
  op.act = Act::relu6;
  w.bias = {-90};
  CHECK(run_reference({op}, {w}, {counted({2, 3, 1})}, 1e-5).values ==
        std::vector<float>{4, 6, 6, 0, 1, 0});
}

TEST_CASE("convolutions agree with their definition", "[spaces][property]") {
  Rng rng(11);
  for (const int side : {1, 4, 5, 7, 8}) {
    for (const int kernel : {1, 3, 5, 7}) {
      for (const int stride : {1, 2, 3}) {
        for (const int groups : {1, 2, 6}) {
          const Op op = conv_op({side, side + 1, 6}, 12, kernel, stride, groups);
          INFO(side << " " << kernel << " " << stride << " " << groups);
          const OpWeights w = random_weights(op, rng);
          const Plane x = random_plane(op.in, rng);
          const Plane y = run_reference({op}, {w}, {x}, 1e-5);
          REQUIRE(y.shape == op.out);
          std::size_t i = 0;
          for (int c = 0; c < op.out.channels; ++c) {
            for (int row = 0; row < op.out.height; ++row) {
              for (int column = 0; column < op.out.width; ++column) {
                REQUIRE(y.values[i++] == Approx(convolved(op, w, x, c, row, column)).margin(1e-6));
              }
            }
          }
        }
      }
    }
  }
}

TEST_CASE("an average pool on a 7 x 7 map counts the padded zeros", "[spaces][golden]") {
  // avg_pool2d(x, 2, stride=2, padding=1) of 1..49: the corner window holds 3 zeros and 1.
  Op op = plain_op(OpKind::average_pool, {7, 7, 1}, {4, 4, 1});
  op.kernel = op.stride = {2, 2};
  const Plane out = run_reference({op}, {{}}, {counted({7, 7, 1})}, 1e-5);
  CHECK(out.values == std::vector<float>{0.25F, 1.25F, 2.25F, 3.25F, 5.75F, 13, 15, 17, 12.75F, 27,
                                         29, 31, 19.75F, 41, 43, 45});
}

TEST_CASE("an average pool on an even map pads nothing", "[spaces]") {
  Op op = plain_op(OpKind::average_pool, {4, 4, 1}, {2, 2, 1});
  op.kernel = op.stride = {2, 2};
  CHECK(run_reference({op}, {{}}, {counted({4, 4, 1})}, 1e-5).values ==
        std::vector<float>{3.5F, 5.5F, 11.5F, 13.5F});
}

TEST_CASE("a channel shuffle takes channels from the groups in turn", "[spaces]") {
  Op op = plain_op(OpKind::channel_shuffle, {1, 1, 6}, {1, 1, 6});
  op.groups = 2;
  CHECK(run_reference({op}, {{}}, {counted({1, 1, 6})}, 1e-5).values ==
        std::vector<float>{1, 4, 2, 5, 3, 6});
}

TEST_CASE("pooling, gates and sums agree with the numbers on paper", "[spaces]") {
  const Plane map = counted({1, 3, 2}), gate{{1, 1, 2}, {0.5F, 2}};
  CHECK(run_reference({plain_op(OpKind::global_pool, {1, 3, 2}, {1, 1, 2})}, {{}}, {map}, 1e-5)
            .values == std::vector<float>{2, 5});
  Op multiply = plain_op(OpKind::gate_multiply, {1, 1, 2}, {1, 3, 2});
  multiply.inputs = {-1, -2};
  CHECK(run_reference({multiply}, {{}}, {gate, map}, 1e-5).values ==
        std::vector<float>{0.5F, 1, 1.5F, 8, 10, 12});
  Op add = plain_op(OpKind::add, {1, 3, 2}, {1, 3, 2});
  add.inputs = {-1, -1};
  CHECK(run_reference({add}, {{}}, {map}, 1e-5).values == std::vector<float>{2, 4, 6, 8, 10, 12});
}

TEST_CASE("activations agree with their formulas", "[spaces]") {
  const auto at = [](Act act, float x) {
    Op op = plain_op(OpKind::global_pool, {1, 1, 1}, {1, 1, 1});
    op.act = act;
    return run_reference({op}, {{}}, {Plane{{1, 1, 1}, {x}}}, 1e-5).values[0];
  };
  CHECK(at(Act::relu, -1) == 0);
  CHECK(at(Act::relu6, 7) == 6);
  CHECK(at(Act::hswish, -4) == 0);
  CHECK(at(Act::hswish, 1) == Approx(4.0 / 6));
  CHECK(at(Act::hswish, 5) == 5);
  CHECK(at(Act::hsigmoid, 0) == 0.5F);
  CHECK(at(Act::hsigmoid, 4) == 1);
  CHECK(at(Act::swish, 1) == Approx(0.7310585786));
  CHECK(at(Act::sigmoid, -2) == Approx(0.1192029220));
  CHECK(at(Act::none, -2) == -2);
}

TEST_CASE("batch norm folds into weight and bias", "[spaces][parity]") {
  Rng rng(5);
  for (const BlockSpec& block : small_blocks()) {
    INFO(key(block));
    const std::vector<Op> ops = lower(block);
    const std::vector<OpWeights> weights = weights_of(ops, rng);
    const Plane input = random_plane(block.in[0], rng);
    std::vector<Op> folded = ops;
    std::vector<OpWeights> folded_weights = weights;
    for (std::size_t i = 0; i < ops.size(); ++i) {
      fold_batch_norm(folded[i], folded_weights[i], 1e-3);
      CHECK_FALSE(folded[i].norm);
      CHECK(folded[i].bias == (ops[i].bias || ops[i].norm));
    }
    const Plane a = run_reference(ops, weights, {input}, 1e-3);
    const Plane b = run_reference(folded, folded_weights, {input}, 1e-3);
    for (std::size_t i = 0; i < a.values.size(); ++i) {
      REQUIRE(b.values[i] == Approx(a.values[i]).margin(1e-5));
    }
  }
}

TEST_CASE("MACs are the multiplications of the reference", "[spaces][parity]") {
  Rng rng(7);
  for (const BlockSpec& block : small_blocks()) {
    INFO(key(block));
    const std::vector<Op> ops = lower(block);
    std::int64_t multiplications = -1;
    run_reference(ops, weights_of(ops, rng), {random_plane(block.in[0], rng)}, 1e-5,
                  &multiplications);
    CHECK(multiplications == count(block).macs);
  }
}

TEST_CASE("parameters are the weights of the reference", "[spaces][parity]") {
  Rng rng(7);
  for (const BlockSpec& block : small_blocks()) {
    std::size_t all = 0, trained = 0;
    for (const OpWeights& w : weights_of(lower(block), rng)) {
      trained += w.weight.size() + w.bias.size() + w.gamma.size() + w.beta.size();
      all += w.mean.size() + w.variance.size();
    }
    CHECK(count(block).params == static_cast<std::int64_t>(trained));
    CHECK(count(block, {BnParams::all, false}).params == static_cast<std::int64_t>(trained + all));
  }
}

TEST_CASE("random weights are He-normal and the same for the same seed", "[spaces]") {
  const Op op = conv_op({8, 8, 64}, 64, 3, 1, 1);
  Rng a(3), b(3);
  const OpWeights w = random_weights(op, a);
  CHECK(w.weight == random_weights(op, b).weight);
  double square = 0;
  for (const float x : w.weight) square += double(x) * x;
  CHECK(square / double(w.weight.size()) == Approx(2.0 / (64 * 9)).epsilon(0.02));
}

TEST_CASE("a whole network runs", "[spaces]") {
  const SearchSpace space = load_space("tiny");
  Rng rng(1);
  const NetworkSpec net = space.decode(space.largest());
  std::vector<Op> ops;
  for (const NetworkOp& one : lower(net)) ops.push_back(one.op);
  std::int64_t multiplications = 0;
  const Plane out = run_reference(ops, weights_of(ops, rng), {random_plane(net.input, rng)}, 1e-5,
                                  &multiplications);
  CHECK(out.shape == Shape{1, 1, 10});
  CHECK(multiplications == count(net).macs);
  for (const float value : out.values) CHECK(std::isfinite(value));
}

TEST_CASE("sizes that do not fit are a bug", "[spaces]") {
  const Op op = conv_op({4, 4, 2}, 2, 3, 1, 1);
  Rng rng(1);
  OpWeights w = random_weights(op, rng);
  CHECK_THROWS_WITH(run_reference({op}, {w}, {Plane{{4, 4, 3}, std::vector<float>(48)}}, 1e-5),
                    ContainsSubstring("conv: input of another size"));
  w.weight.pop_back();
  CHECK_THROWS_WITH(run_reference({op}, {w}, {Plane{{4, 4, 2}, std::vector<float>(32)}}, 1e-5),
                    ContainsSubstring("conv: weight of another size"));
  CHECK_THROWS_AS(run_reference({op}, {}, {}, 1e-5), LogicError);
}
