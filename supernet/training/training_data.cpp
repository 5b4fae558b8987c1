#include "supernet/training/training_data.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/hash.hpp"
#include "spaces/base/json_io.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace lathe::supernet {
namespace {

using nlohmann::json;

const std::string kChanged = "the file was changed since: restore it, or start another run";

/// Of values and of types: 1 is not 1.0.
bool same(const json& a, const json& b) { return a.dump() == b.dump(); }

std::string short_text(const json& value) {
  constexpr std::size_t longest = 60;
  const std::string text = value.dump(-1, ' ', true);
  return text.size() <= longest ? text : text.substr(0, longest) + "...";
}

}  // namespace

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

json split_json(const TrainingData& data) {
  json names = json::array();
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

TrainPlan plan_of(const TrainConfig& config, const TrainingData& data) {
  TrainPlan plan;
  for (const PhaseConfig& phase : config.phases)
    plan.phases.push_back({phase.name, phase.warm_up_epochs + phase.epochs});
  plan.steps_per_epoch = static_cast<int>(data.split.train.size()) / config.batch_size;
  return plan;
}

void check_split(const TrainingData& data, const std::filesystem::path& file) {
  const json now = split_json(data), stored = load_json(file, Comments::refused);
  const auto refuse = [&](const std::string& pointer, const std::string& expected,
                          const std::string& found, const std::string& remedy) {
    throw FormatError(Problem{file.string() + pointer, expected, found, remedy});
  };
  if (!stored.is_object()) refuse("", "an object", short_text(stored), kChanged);
  for (const auto& [key, value] : stored.items())
    if (!now.contains(key)) refuse("", "the keys of split.json alone", quote(key), kChanged);
  for (const auto& [key, value] : now.items())
    if (!stored.contains(key)) refuse("", "the key " + key, "none", kChanged);
  for (const char* key : {"format", "version"})
    if (!same(stored[key], now[key]))
      refuse(std::string(": /") + key, now[key].dump(), short_text(stored[key]), kChanged);
  if (!same(stored["images"], now["images"]))
    refuse(": /images",
           "the images that the run began with (fingerprint " + short_text(stored["images"]) + ")",
           now["images"].dump(), "a run goes on with the same images only");
  for (const auto& [key, value] : now.items()) {
    const json& other = stored[key];
    if (same(other, value)) continue;
    const std::string pointer = ": /" + key;
    if (!value.is_array() || !other.is_array() || other.size() != value.size())
      refuse(pointer, short_text(value), short_text(other), kChanged);
    for (std::size_t i = 0; i < value.size(); ++i)
      if (!same(other[i], value[i]))
        refuse(pointer + "/" + std::to_string(i), short_text(value[i]), short_text(other[i]),
               kChanged);
  }
}

}  // namespace lathe::supernet
