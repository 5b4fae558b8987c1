#include "spaces/lower.hpp"

#include "spaces/base/error.hpp"

#include <utility>

namespace lathe::spaces {
namespace {

/// What padding (kernel - 1) / 2 gives for odd kernels.
int strided(int size, int stride) { return (size + stride - 1) / stride; }

struct Builder {
  std::vector<Op> ops;
  Shape at;       ///< shape of the running tensor
  int last = -1;  ///< the running tensor

  int push(Op op) {
    ops.push_back(std::move(op));
    last = static_cast<int>(ops.size()) - 1;
    at = ops.back().out;
    return last;
  }
  Op op(OpKind kind, const char* name, Shape out) const {
    Op result;
    result.kind = kind;
    result.name = name;
    result.inputs = {last};
    result.in = at;
    result.out = out;
    return result;
  }
  /// A convolution with batch norm.
  Op conv(const char* name, int out, int kernel, int stride, int groups, Act act) const {
    Op result =
        op(OpKind::conv, name, {strided(at.height, stride), strided(at.width, stride), out});
    result.kernel = {kernel, kernel};
    result.stride = {stride, stride};
    result.groups = groups;
    result.norm = true;
    result.act = act;
    return result;
  }
  Op pointwise_with_bias(const char* name, int out, Act act) const {
    Op result = conv(name, out, 1, 1, 1, act);
    result.norm = false;
    result.bias = true;
    return result;
  }
  void squeeze_excite(const Squeeze& se) {
    if (se.mid == 0) return;
    const int map = last;
    const Shape shape = at;
    push(op(OpKind::global_pool, "se.pool", {1, 1, shape.channels}));
    push(pointwise_with_bias("se.reduce", se.mid, se.act));
    push(pointwise_with_bias("se.expand", shape.channels, se.gate));
    Op gate = op(OpKind::gate_multiply, "se.gate", shape);
    gate.inputs.push_back(map);
    push(std::move(gate));
  }
};

/// Appends the main path of a block, one overload per kind.
struct MainPath {
  const BlockSpec& block;
  Builder& to;

  void operator()(const Conv& c) {
    Op op = to.conv("conv", block.out_channels, c.kernel, block.stride, c.groups, block.act);
    op.norm = c.norm;
    op.bias = c.bias;
    to.push(std::move(op));
  }
  void operator()(const MbConv& m) {
    if (m.expand) to.push(to.conv("expand", m.mid, 1, 1, m.groups, block.act));
    if (m.groups > 1) {
      Op shuffle = to.op(OpKind::channel_shuffle, "shuffle", to.at);
      shuffle.groups = m.groups;
      to.push(std::move(shuffle));
    }
    to.push(to.conv("depthwise", m.mid, m.kernel, block.stride, m.mid, block.act));
    to.squeeze_excite(m.se);
    to.push(to.conv("project", block.out_channels, 1, 1, m.groups, Act::none));
  }
  void operator()(const Fused& f) {
    to.push(to.conv("expand", f.mid, f.kernel, block.stride, 1, block.act));
    to.squeeze_excite(f.se);
    to.push(to.conv("project", block.out_channels, 1, 1, 1, Act::none));
  }
  void operator()(const Tucker& t) {
    to.push(to.conv("compress", t.mid_in, 1, 1, 1, block.act));
    to.push(to.conv("conv", t.mid_out, t.kernel, block.stride, 1, block.act));
    to.push(to.conv("project", block.out_channels, 1, 1, 1, Act::none));
  }
  void operator()(const Universal& u) {
    const int channels = to.at.channels;
    if (u.start_kernel != 0) {
      // The stride sits in the middle depthwise if there is one (Qin et al. 2024).
      const int stride = u.middle_kernel != 0 ? 1 : block.stride;
      to.push(to.conv("start", channels, u.start_kernel, stride, channels, Act::none));
    }
    to.push(to.conv("expand", u.mid, 1, 1, 1, block.act));
    if (u.middle_kernel != 0) {
      to.push(to.conv("middle", u.mid, u.middle_kernel, block.stride, u.mid, block.act));
    }
    to.push(to.conv("project", block.out_channels, 1, 1, 1, Act::none));
  }
  void operator()(const GlobalPool&) {
    to.push(to.op(OpKind::global_pool, "pool", {1, 1, to.at.channels}));
  }
  void operator()(const Linear& l) {
    Op op = to.op(OpKind::linear, "linear", {1, 1, block.out_channels});
    op.bias = l.bias;
    op.act = block.act;
    to.push(std::move(op));
  }
};

void add_shortcut(const BlockSpec& block, Builder& to) {
  const int main = to.last;
  const Shape out = to.at;
  to.last = -1;
  to.at = block.in[0];
  if (block.shortcut == Shortcut::pooled) {
    if (block.stride > 1) {
      Op pool =
          to.op(OpKind::average_pool, "shortcut.pool", {out.height, out.width, to.at.channels});
      pool.kernel = pool.stride = {block.stride, block.stride};
      to.push(std::move(pool));
    }
    if (to.at.channels != out.channels) {
      Op conv = to.conv("shortcut.conv", out.channels, 1, 1, 1, Act::none);
      conv.norm = false;
      to.push(std::move(conv));
    }
  }
  LATHE_CHECK(to.at == out, "a shortcut would join two shapes");
  const int side = to.last;
  to.last = main;
  Op add = to.op(OpKind::add, "add", out);
  add.inputs.push_back(side);
  to.push(std::move(add));
}

}  // namespace

std::vector<Op> lower(const BlockSpec& block) {
  const std::string problem = problem_with(block);
  LATHE_CHECK(problem.empty(), problem);
  Builder builder;
  builder.at = block.in[0];
  std::visit(MainPath{block, builder}, block.body);
  if (block.shortcut != Shortcut::none) add_shortcut(block, builder);
  return std::move(builder.ops);
}

Shape output_shape(const BlockSpec& block) {
  const bool to_a_point =
      std::holds_alternative<GlobalPool>(block.body) || std::holds_alternative<Linear>(block.body);
  if (to_a_point) return {1, 1, block.out_channels};
  return {strided(block.in[0].height, block.stride), strided(block.in[0].width, block.stride),
          block.out_channels};
}

}  // namespace lathe::spaces
