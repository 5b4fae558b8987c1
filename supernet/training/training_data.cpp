#include "supernet/training/training_data.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/hash.hpp"
#include "spaces/base/json_io.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace lathe::supernet {

TrainingData prepare_data(const TrainConfig& config) {
  const std::string file = config.file.string(), source = config.data.path.string();
  check_pad(config.data.pad, config.data.image_size, file + ": /data/pad");
  TrainingData data;
  data.dataset = load_dataset(config.data.path, config.data.image_size);
  data.split =
      split_train(data.dataset.train, data.dataset.classes, config.data.validation_per_class,
                  std::uint64_t(config.seed), file + ": /data/validation_per_class");
  const int count = static_cast<int>(data.split.train.size());
  const std::string found = std::to_string(count) + " after the validation images are held out";
  if (count < config.batch_size)
    throw ConfigError(Problem{file + ": /batch_size", "at most the number of training images",
                              std::to_string(config.batch_size) + ", with " + found, ""});
  if (count < config.bn_images)
    throw ConfigError(Problem{file + ": /bn_images", "at most the number of training images",
                              std::to_string(config.bn_images) + ", with " + found, ""});
  data.statistics = channel_statistics(data.dataset.train, data.split.train, source);
  data.augmentation = {config.data.pad, config.data.flip};
  return data;
}

void check_classes(const TrainingData& data, const TrainConfig& config, int classes) {
  const int found = static_cast<int>(data.dataset.classes.size());
  if (found != classes)
    throw ConfigError(Problem{
        config.file.string() + ": /space",
        "a space with the " + std::to_string(found) + " classes of " + config.data.path.string(),
        config.space + " with " + std::to_string(classes),
        "add the parameter classes=" + std::to_string(found)});
}

std::vector<int> recalibration_images(const TrainingData& data, const TrainConfig& config) {
  std::vector<int> chosen = data.split.train;
  Rng rng = Rng(std::uint64_t(config.seed)).stream("recalibration");
  rng.shuffle(chosen);
  chosen.resize(std::size_t(config.bn_images));
  return chosen;
}

nlohmann::json split_json(const TrainingData& data) {
  nlohmann::json names = nlohmann::json::array();
  for (const int index : data.split.validation)
    names.push_back(data.dataset.train.names[std::size_t(index)]);
  return {{"format", "lathe.split"},
          {"version", 1},
          {"classes", data.dataset.classes},
          {"images", hex(data.dataset.fingerprint())},
          {"train_images", data.split.train.size()},
          {"test_images", data.dataset.test.count()},
          {"mean", data.statistics.mean},
          {"deviation", data.statistics.deviation},
          {"validation", names}};
}

void check_split(const TrainingData& data, const std::filesystem::path& file) {
  const nlohmann::json now = split_json(data);
  const nlohmann::json stored = load_json(file, Comments::refused);
  if (stored == now) return;
  const bool has_images = stored.is_object() && stored.contains("images");
  throw FormatError(Problem{file.string(),
                            "the images that the run began with (fingerprint " +
                                (has_images ? stored["images"].dump() : "missing") + ")",
                            now["images"].dump(), "a run goes on with the same images only"});
}

}  // namespace lathe::supernet
