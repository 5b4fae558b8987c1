#pragma once

#include "spaces/base/rng.hpp"
#include "spaces/network.hpp"
#include "supernet/elastic/parameters.hpp"

#include <ATen/core/Tensor.h>

#include <vector>

namespace lathe::supernet {

/// What a training step adds to a forward pass. Ignored in evaluation mode.
struct ForwardOptions {
  double dropout = 0;  ///< chance that an input of a linear layer is zeroed; the rest is scaled up
  /// Chance that a block's branch before `add` is dropped for an image (Huang et al. 2016), rising
  /// linearly with depth: block b of n, from 0, uses drop_connect * b / n (as EfficientNet's code).
  double drop_connect = 0;
  double norm_momentum = 0.1;  ///< share of the batch in batch norm's running statistics
  /// Masks are drawn by our own generator, one number an element (or image) in order, from
  /// random->stream("dropout", op) and random->stream("drop_connect", op), where op is the index in
  /// lower(network): they depend neither on torch nor on threads. Needed where a chance is above 0.
  const Rng* random = nullptr;
};

/// Batch mean and biased batch variance of one batch norm, each summed times the batch's size, in
/// double.
struct NormSums {
  torch::Tensor mean, variance;
};

/// How one pass runs.
struct Execution {
  enum class Norm { running, batch, record };  ///< record: batch statistics, added to `sums`
  Norm norm = Norm::running;
  double epsilon = 1e-5;
  ForwardOptions options;                 ///< with Norm::batch
  std::vector<NormSums>* sums = nullptr;  ///< by op, with Norm::record
};

/// Runs lowered ops one after another in channels_last; knows no block kind. Of each op's
/// parameters it uses the slice that the op asks for; with Norm::batch the running statistics of
/// just that slice move, in place. images: N x C x H x W; returns the last op's output, N x C' x H'
/// x W'.
torch::Tensor execute(const std::vector<spaces::NetworkOp>& ops,
                      const std::vector<const OpParameters*>& parameters,
                      const torch::Tensor& images, const Execution& execution);

}  // namespace lathe::supernet
