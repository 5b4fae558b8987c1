#include "supernet/evaluate.hpp"

#include "spaces/base/error.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace lathe::supernet {

std::vector<std::uint8_t> evaluate(const Subnet& subnet, const BatchStream& batches) {
  const torch::NoGradGuard no_grad;
  const Subnet folded = fold_batch_norm(subnet);
  std::vector<std::uint8_t> correct;
  while (const std::optional<Batch> batch = batches()) {
    const torch::Tensor logits = folded.forward(batch->images).to(torch::kCPU, torch::kFloat);
    const torch::Tensor labels = batch->labels.to(torch::kCPU, torch::kLong).contiguous();
    LATHE_CHECK(labels.numel() == logits.size(0), "a batch has another number of labels");
    const float* row = logits.contiguous().const_data_ptr<float>();
    for (std::int64_t image = 0; image < logits.size(0); ++image, row += logits.size(1)) {
      const float* const end = row + logits.size(1);
      if (!std::all_of(row, end, [](float logit) { return std::isfinite(logit); }))
        throw CheckFailed(
            "image " + std::to_string(correct.size()) +
            ": expected finite logits, got NaN or infinity; the weights have diverged");
      const std::int64_t best = std::max_element(row, end) - row;
      correct.push_back(best == labels.const_data_ptr<std::int64_t>()[image] ? 1 : 0);
    }
  }
  return correct;
}

double accuracy_of(const std::vector<std::uint8_t>& correct) {
  if (correct.empty()) return 0;
  return double(std::accumulate(correct.begin(), correct.end(), 0)) / double(correct.size());
}

}  // namespace lathe::supernet
