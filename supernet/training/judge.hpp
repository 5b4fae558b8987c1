#pragma once

#include "supernet/subnet.hpp"
#include "supernet/supernet.hpp"
#include "supernet/training/training_data.hpp"

#include <c10/core/Device.h>

#include <vector>

namespace lathe::supernet {

/// Which images: of the training file's validation part, or of its test split.
enum class Part { validation, test };

/// The images `indices` as one batch on the device, channels_last. What a transform draws for an
/// image comes from rng (see write_batch).
Batch make_batch(const Images& images, const std::vector<int>& indices, const Transform& transform,
                 const Rng& rng, c10::Device device);

/// Images and the indices of a part. The data must outlive it.
struct PartImages {
  const Images* images;
  std::vector<int> indices;
};
PartImages images_of(const TrainingData& data, Part part);

/// All images of a part in order, unchanged but for the resolution, made as they are asked for. The
/// data must outlive the stream.
BatchStream judging_stream(const TrainingData& data, Part part, int resolution, c10::Device device);

/// config.bn_images of the training part, changed as in training, always the same ones in the same
/// way for one seed (OFA: 2000 images, batch 200). The data must outlive the stream.
BatchStream recalibration_stream(const TrainingData& data, const TrainConfig& config,
                                 int resolution, c10::Device device);

/// Accuracy in [0, 1] of one network: extracted, batch norm recalibrated, on a part's images.
double judge(const SupernetImpl& supernet, const spaces::NetworkSpec& net, const TrainingData& data,
             const TrainConfig& config, Part part, c10::Device device);

}  // namespace lathe::supernet
