#pragma once

#include "supernet/elastic/executor.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace lathe::supernet {

/// Images with their labels, on the network's device.
struct Batch {
  torch::Tensor images;  ///< N x C x H x W, normalised
  torch::Tensor labels;  ///< N, int64; undefined where nobody asks for them
};

/// Gives the next batch, and nullopt after the last.
using BatchStream = std::function<std::optional<Batch>()>;

/// Every batch of the list once, in order. The list must outlive the stream.
BatchStream stream_of(const std::vector<Batch>& batches);

/// One network with its own weights and batch norm statistics, sizes exact, kernel transforms done:
/// the supernet's executor over one network's ops. A value: copies share tensors, extract() makes
/// new ones.
struct Subnet {
  spaces::NetworkSpec net;
  std::vector<spaces::NetworkOp> ops;    ///< lower(net), but for fold_batch_norm's changes
  std::vector<std::string> names;        ///< per op: slot and op, "stage2.1.depthwise"
  std::vector<OpParameters> parameters;  ///< per op
  double norm_epsilon = 1e-5;

  /// Evaluation mode: running statistics. images: N x C x H x W as net.input says; returns logits,
  /// N x classes. Any number of threads may call it at once. Throws ConfigError for another shape.
  torch::Tensor forward(const torch::Tensor& images) const;
  /// The same on another device, in another precision.
  Subnet to(const torch::TensorOptions& options) const;
};

/// The same function with batch norm folded into weights and biases (Jacob et al. 2018,
/// section 3.2; scales and shifts in double): less to do for every image. The given one is
/// unchanged.
Subnet fold_batch_norm(const Subnet& subnet);

/// Throws ConfigError unless images are N x C x H x W of that shape.
void require_images(const torch::Tensor& images, const spaces::Shape& input);

}  // namespace lathe::supernet
