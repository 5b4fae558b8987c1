#pragma once

#include "spaces/base/rng.hpp"
#include "spaces/lower.hpp"
#include "spaces/network.hpp"

#include <cstdint>
#include <vector>

namespace lathe::spaces {

/// Weights of one op; empty vectors where the op has none of them.
struct OpWeights {
  std::vector<float> weight;  ///< out x (in / groups) x kernel height x kernel width
  std::vector<float> bias;    ///< out
  std::vector<float> gamma, beta, mean, variance;  ///< out each, with batch norm
};

/// He-normal weights, small biases, batch norm near identity but not at it: for checks and latency.
OpWeights random_weights(const Op& op, Rng& rng);

/// Batch norm folded into weight and bias (Jacob et al. 2018, section 3.2); the op then has `bias`
/// and no `norm`. Computed in double.
void fold_batch_norm(Op& op, OpWeights& weights, double epsilon);

/// A tensor in the order channels, height, width (batch 1).
struct Plane {
  Shape shape;
  std::vector<float> values;
};

/// Runs ops one after another with plain loops, accumulating in double: the check that everything
/// else is compared with. inputs[0] is op input -1, inputs[1] is -2. Returns the last op's output.
/// `epsilon` is batch norm's. Throws LogicError if a size does not fit. `multiplications`, if
/// given, gets the number of products of weights and inputs, padded zeros included.
Plane run_reference(const std::vector<Op>& ops, const std::vector<OpWeights>& weights,
                    const std::vector<Plane>& inputs, double epsilon,
                    std::int64_t* multiplications = nullptr);

}  // namespace lathe::spaces
