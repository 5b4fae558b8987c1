#pragma once

#include "spaces/block.hpp"
#include "spaces/lower.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace lathe::spaces {

enum class Precision { fp32, fp16, int8 };
std::string_view name_of(Precision precision);
Precision parse_precision(std::string_view word, const std::string& where);

/// A block at its place. A slot is one set of weights; a position is an index into `blocks`.
struct Placed {
  int slot = 0;
  BlockSpec block;
  Precision precision = Precision::fp32;
  std::vector<int> inputs;  ///< indices of earlier blocks, -1 the image; empty: the one before
};

/// A network as a value, every size fixed.
struct NetworkSpec {
  Shape input;
  std::vector<Placed> blocks;
  std::vector<int> outputs;  ///< indices of blocks; empty: the last block
};

/// Fingerprint of what is computed: shapes, keys, precision and wiring; slots are left out, so two
/// codes for one function have one id.
std::uint64_t network_id(const NetworkSpec& net);

/// An op of a whole network, and which block it came from.
struct NetworkOp {
  Op op;          ///< inputs index the network's list; -1 is the image
  int block = 0;  ///< index of its block in NetworkSpec::blocks
};
/// All blocks lowered into one list in forward order; the last op is the network's output (networks
/// with one output only: LogicError otherwise).
std::vector<NetworkOp> lower(const NetworkSpec& net);

}  // namespace lathe::spaces
