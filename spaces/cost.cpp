#include "spaces/cost.hpp"

#include "spaces/base/error.hpp"

#include <algorithm>

namespace lathe::spaces {
namespace {

std::int64_t elements(const Shape& shape) {
  return std::int64_t(shape.height) * shape.width * shape.channels;
}

std::int64_t norm_params(BnParams which, int channels) {
  switch (which) {
    case BnParams::none:
      return 0;
    case BnParams::affine:
      return 2 * std::int64_t(channels);
    case BnParams::all:
      return 4 * std::int64_t(channels);
  }
  throw LogicError("unknown convention for batch norm's parameters");
}

/// For every tensor (0: the image, i + 1: the output of op i) the index of the last op that reads
/// it.
std::vector<int> last_readers(const std::vector<NetworkOp>& ops) {
  const int count = static_cast<int>(ops.size());
  std::vector<int> last(ops.size() + 1, -1);
  for (int i = 0; i < count; ++i) {
    for (const int input : ops[static_cast<std::size_t>(i)].op.inputs) {
      last[static_cast<std::size_t>(input + 1)] = i;
    }
  }
  last.back() = count;  // the result is read by the caller
  return last;
}

}  // namespace

Count count(const Op& op, const CountOptions& options) {
  Count result;
  if (has_weights(op)) {
    const std::int64_t weights = std::int64_t(op.in.channels / op.groups) * op.out.channels *
                                 op.kernel.height * op.kernel.width;
    const std::int64_t places = std::int64_t(op.out.height) * op.out.width;
    LATHE_CHECK(double(weights) * double(places) < 9e18,
                op.name + ": more multiplications than 64 bits count");
    result.macs = weights * places;
    result.params = weights + (op.bias ? op.out.channels : 0) +
                    (op.norm ? norm_params(options.bn_params, op.out.channels) : 0);
  }
  const bool pools = op.kind == OpKind::global_pool || op.kind == OpKind::average_pool;
  if (pools && options.count_pooling) result.macs = elements(op.in);
  return result;
}

Count count(const BlockSpec& block, const CountOptions& options) {
  Count total;
  for (const Op& op : lower(block)) {
    const Count one = count(op, options);
    total.macs += one.macs;
    total.params += one.params;
  }
  return total;
}

Count count(const NetworkSpec& net, const CountOptions& options) {
  Count total;
  for (const Placed& placed : net.blocks) {
    const Count one = count(placed.block, options);
    total.macs += one.macs;
    total.params += one.params;
  }
  return total;
}

std::int64_t peak_activation_bytes(const NetworkSpec& net, MemoryConvention convention) {
  const std::vector<NetworkOp> ops = lower(net);
  const std::vector<int> last = last_readers(ops);
  std::int64_t live = elements(net.input);  // what is needed when op i starts
  std::int64_t peak = 0;
  for (std::size_t i = 0; i < ops.size(); ++i) {
    const Op& op = ops[i].op;
    std::int64_t freed = 0;
    std::vector<int> inputs = op.inputs;
    std::sort(inputs.begin(), inputs.end());
    inputs.erase(std::unique(inputs.begin(), inputs.end()), inputs.end());
    for (const int input : inputs) {
      if (last[static_cast<std::size_t>(input + 1)] != static_cast<int>(i)) continue;
      freed += elements(input < 0 ? net.input : ops[static_cast<std::size_t>(input)].op.out);
    }
    const std::int64_t out = elements(op.out);
    // In place, the output takes the room of the input, if nothing else needs that.
    const bool in_place =
        convention == MemoryConvention::int8_in_place && is_depthwise(op) && freed > 0;
    peak = std::max(peak, in_place ? live - freed + std::max(freed, out) : live + out);
    live += out - freed;
  }
  return peak * (convention == MemoryConvention::fp32 ? 4 : 1);
}

}  // namespace lathe::spaces
