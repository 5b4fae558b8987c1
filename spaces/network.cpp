#include "spaces/network.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/hash.hpp"

#include <array>

namespace lathe::spaces {
namespace {

constexpr std::array<std::string_view, 3> kPrecisions = {"fp32", "fp16", "int8"};

/// The sources of a block, the default written out.
std::vector<int> sources(const NetworkSpec& net, int block) {
  const Placed& placed = net.blocks[static_cast<std::size_t>(block)];
  return placed.inputs.empty() ? std::vector<int>{block - 1} : placed.inputs;
}

Shape shape_of(const NetworkSpec& net, int source) {
  return source < 0 ? net.input : output_shape(net.blocks[static_cast<std::size_t>(source)].block);
}

/// Throws LogicError unless a block's sources come before it and have the shapes that it expects.
void check_sources(const NetworkSpec& net, int block) {
  const Placed& placed = net.blocks[static_cast<std::size_t>(block)];
  const std::vector<int> from = sources(net, block);
  LATHE_CHECK(from.size() == placed.block.in.size(),
              "block " + std::to_string(block) + " has another number of sources than of inputs");
  for (std::size_t i = 0; i < from.size(); ++i) {
    LATHE_CHECK(from[i] >= -1 && from[i] < block,
                "block " + std::to_string(block) + " takes what comes after it");
    LATHE_CHECK(shape_of(net, from[i]) == placed.block.in[i],
                "block " + std::to_string(block) + " (" + key(placed.block) +
                    ") does not fit what comes before it");
  }
}

}  // namespace

std::string_view name_of(Precision precision) {
  return kPrecisions[static_cast<std::size_t>(precision)];
}

Precision parse_precision(std::string_view word, const std::string& where) {
  for (std::size_t i = 0; i < kPrecisions.size(); ++i) {
    if (kPrecisions[i] == word) return static_cast<Precision>(i);
  }
  throw FormatError(Problem{where, "one of fp32, fp16, int8", "\"" + std::string(word) + "\"", ""});
}

std::uint64_t network_id(const NetworkSpec& net) {
  std::string text = std::to_string(net.input.height) + "x" + std::to_string(net.input.width) +
                     "x" + std::to_string(net.input.channels);
  for (std::size_t i = 0; i < net.blocks.size(); ++i) {
    text += "\n" + key(net.blocks[i].block) + " " + std::string(name_of(net.blocks[i].precision));
    const auto from = sources(net, static_cast<int>(i));
    for (const int source : from) text += " @" + std::to_string(source);
  }
  if (net.outputs.empty()) {
    text += "\n>" + std::to_string(static_cast<int>(net.blocks.size()) - 1);
  }
  for (const int output : net.outputs) text += "\n>" + std::to_string(output);
  return fingerprint_of(text);
}

std::vector<NetworkOp> lower(const NetworkSpec& net) {
  const int count = static_cast<int>(net.blocks.size());
  LATHE_CHECK(count > 0, "a network without blocks");
  LATHE_CHECK(net.outputs.empty() || (net.outputs.size() == 1 && net.outputs[0] == count - 1),
              "only networks whose one output is the last block are lowered whole");
  std::vector<NetworkOp> ops;
  std::vector<int> result_of;  // per block, its last op
  for (int block = 0; block < count; ++block) {
    check_sources(net, block);
    const std::vector<int> from = sources(net, block);
    const int first = static_cast<int>(ops.size());
    for (Op& op : lower(net.blocks[static_cast<std::size_t>(block)].block)) {
      for (int& input : op.inputs) {
        if (input >= 0) {
          input += first;
        } else {
          const int source = from[static_cast<std::size_t>(-1 - input)];
          input = source < 0 ? -1 : result_of[static_cast<std::size_t>(source)];
        }
      }
      ops.push_back({std::move(op), block});
    }
    result_of.push_back(static_cast<int>(ops.size()) - 1);
  }
  return ops;
}

}  // namespace lathe::spaces
