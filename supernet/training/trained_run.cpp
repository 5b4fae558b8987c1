#include "supernet/training/trained_run.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/hash.hpp"
#include "spaces/base/run_dir.hpp"
#include "supernet/training/checkpoint.hpp"

#include <nlohmann/json.hpp>
#include <torch/torch.h>

namespace lathe::supernet {

TrainedRun load_supernet(const std::filesystem::path& run_folder,
                         const std::filesystem::path& configs) {
  RunDir::read_manifest(run_folder, "train");
  const TrainConfig config =
      read_train_config(RunDir::read_config(run_folder), run_folder / "config.json");
  const auto space =
      spaces::SearchSpace::load(spaces::parse_space_name(config.space), configs).without_pins();
  const auto newest = newest_checkpoint(run_folder);
  if (!newest)
    throw MissingEntry(Problem{run_folder.string(), "a checkpoint in checkpoints/", "none",
                               "the run has saved nothing yet: go on with lathe train --resume"});
  const Checkpoint checkpoint = read_checkpoint(run_folder / *newest, hex(space.fingerprint()));
  TrainingData data = prepare_data(config);
  check_classes(data, config, space.classes());
  check_split(data, run_folder / "split.json");
  check_checkpoint(checkpoint, config_fingerprint(run_folder), plan_of(config, data));
  Supernet supernet(space);
  load_weights(checkpoint, *supernet);
  supernet->eval();
  for (const at::Tensor& parameter : supernet->parameters()) parameter.requires_grad_(false);
  return {space, config, *newest, std::move(supernet), std::move(data)};
}

std::vector<std::vector<float>> normalised_images(const TrainingData& data, Part part,
                                                  int resolution, int count) {
  PartImages chosen = images_of(data, part);
  if (count < static_cast<int>(chosen.indices.size()))
    chosen.indices.resize(static_cast<std::size_t>(count));
  const auto pixels = static_cast<std::size_t>(resolution) * static_cast<std::size_t>(resolution);
  std::vector<std::vector<float>> images;
  std::vector<float> last(3 * pixels);  // channels last
  for (const int index : chosen.indices) {
    write_batch(*chosen.images, {index}, {resolution, data.statistics, {}}, Rng(0), last.data());
    std::vector<float> first(3 * pixels);
    for (std::size_t p = 0; p < pixels; ++p)
      for (std::size_t c = 0; c < 3; ++c) first[c * pixels + p] = last[3 * p + c];
    images.push_back(std::move(first));
  }
  return images;
}

}  // namespace lathe::supernet
