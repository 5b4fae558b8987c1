#include "supernet/recalibrate.hpp"

#include "spaces/base/error.hpp"

#include <torch/torch.h>

namespace lathe::supernet {

int recalibrate(Subnet& subnet, const BatchStream& batches) {
  const torch::NoGradGuard no_grad;
  const std::vector<spaces::NetworkOp> lowered = spaces::lower(subnet.net);
  for (std::size_t i = 0; i < lowered.size(); ++i)
    LATHE_CHECK(lowered[i].op.norm == subnet.ops[i].op.norm,
                subnet.names[i] + ": batch norm was folded and can't be recalibrated");
  std::vector<const OpParameters*> pointers;
  for (const OpParameters& p : subnet.parameters) pointers.push_back(&p);
  std::vector<NormSums> sums(subnet.ops.size());
  Execution execution;
  execution.norm = Execution::Norm::record;
  execution.epsilon = subnet.norm_epsilon;
  execution.sums = &sums;
  int images = 0;
  while (const std::optional<Batch> batch = batches()) {
    require_images(batch->images, subnet.net.input);
    execute(subnet.ops, pointers, batch->images, execution);
    images += int(batch->images.size(0));
  }
  if (images == 0)
    throw ConfigError(Problem{"batch norm recalibration", "at least one image", "none", ""});
  for (std::size_t i = 0; i < sums.size(); ++i) {
    if (!sums[i].mean.defined()) continue;
    subnet.parameters[i].mean.copy_(sums[i].mean / images);
    subnet.parameters[i].variance.copy_(sums[i].variance / images);
  }
  return images;
}

}  // namespace lathe::supernet
