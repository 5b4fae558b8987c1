#include "supernet/training/judge.hpp"

#include "supernet/evaluate.hpp"
#include "supernet/extract.hpp"
#include "supernet/recalibrate.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <numeric>

namespace lathe::supernet {
namespace {

constexpr std::size_t kJudgingBatch = 200;  // OFA's batch for batch norm statistics

BatchStream stream_of_images(const Images& images, std::vector<int> indices, Transform transform,
                             const Rng& rng, c10::Device device) {
  return [&images, indices = std::move(indices), transform = std::move(transform), rng, device,
          at = std::size_t(0)]() mutable -> std::optional<Batch> {
    if (at == indices.size()) return std::nullopt;
    const std::size_t end = std::min(at + kJudgingBatch, indices.size());
    const std::vector<int> some(indices.begin() + std::ptrdiff_t(at),
                                indices.begin() + std::ptrdiff_t(end));
    at = end;
    return make_batch(images, some, transform, rng, device);
  };
}

}  // namespace

Batch make_batch(const Images& images, const std::vector<int>& indices, const Transform& transform,
                 const Rng& rng, c10::Device device) {
  const auto count = static_cast<std::int64_t>(indices.size());
  const std::int64_t side = transform.resolution;
  const at::Tensor pixels = at::empty({count, side, side, 3}, at::kFloat);
  write_batch(images, indices, transform, rng, pixels.data_ptr<float>());
  const at::Tensor labels = at::empty({count}, at::kLong);
  for (std::int64_t i = 0; i < count; ++i)
    labels.data_ptr<std::int64_t>()[i] =
        images.labels[static_cast<std::size_t>(indices[static_cast<std::size_t>(i)])];
  return {pixels.permute({0, 3, 1, 2}).to(device), labels.to(device)};
}

PartImages images_of(const TrainingData& data, Part part) {
  if (part == Part::validation) return {&data.dataset.train, data.split.validation};
  std::vector<int> all(static_cast<std::size_t>(data.dataset.test.count()));
  std::iota(all.begin(), all.end(), 0);
  return {&data.dataset.test, std::move(all)};
}

BatchStream judging_stream(const TrainingData& data, Part part, int resolution,
                           c10::Device device) {
  PartImages chosen = images_of(data, part);
  return stream_of_images(*chosen.images, std::move(chosen.indices),
                          {resolution, data.statistics, {}}, Rng(0), device);
}

BatchStream recalibration_stream(const TrainingData& data, const TrainConfig& config,
                                 int resolution, c10::Device device) {
  return stream_of_images(data.dataset.train, recalibration_images(data, config),
                          {resolution, data.statistics, data.augmentation},
                          Rng(std::uint64_t(config.seed)).stream("recalibration"), device);
}

double judge(const SupernetImpl& supernet, const spaces::NetworkSpec& net, const TrainingData& data,
             const TrainConfig& config, Part part, c10::Device device) {
  Subnet subnet = extract(supernet, net);
  recalibrate(subnet, recalibration_stream(data, config, net.input.height, device));
  return accuracy_of(evaluate(subnet, judging_stream(data, part, net.input.height, device)));
}

}  // namespace lathe::supernet
