#include "supernet/training/train_config.hpp"

#include "spaces/base/error.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace lathe::supernet {
namespace {

/// "all", or a list of numbers and words.
PhaseConfig::Values open_values(const ConfigReader& r, const std::string& kind,
                                const nlohmann::json& value) {
  const std::string expected = "for " + quote(kind) + " \"all\" or a list of numbers or words";
  if (value == "all") return {};
  if (!value.is_array() || value.empty()) r.refuse("open", expected, value.dump());
  PhaseConfig::Values values;
  for (const nlohmann::json& item : value) {
    if (item.is_number()) {
      values.push_back({item.get<double>(), ""});
    } else if (item.is_string() && !item.get<std::string>().empty()) {
      values.push_back({0, item.get<std::string>()});
    } else {
      r.refuse("open", expected, item.dump());
    }
  }
  return values;
}

void check_device(const ConfigReader& r, const std::string& device) {
  const std::string head = "cuda:";
  const bool is_cuda =
      device.rfind(head, 0) == 0 && device.size() > head.size() &&
      device.size() <= head.size() + 2 &&
      std::all_of(device.begin() + 5, device.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (device != "cpu" && !is_cuda) r.refuse("device", "\"cpu\" or \"cuda:N\"", device);
}

/// What a phase may not be because of those before it.
void check_phase(const ConfigReader& r, const PhaseConfig& phase,
                 const std::vector<PhaseConfig>& before) {
  for (const PhaseConfig& other : before)
    if (other.name == phase.name) r.refuse("name", "a name of its own", phase.name + " again");
  if (before.empty() && phase.distillation > 0)
    r.refuse("distillation", "0 in the first phase", "a weight above 0",
             "nothing has been trained that could teach");
  if (!phase.sandwich) return;
  if (phase.distillation > 0)
    r.refuse("distillation", "0 where sandwich is true", "a weight above 0",
             "the largest network of the step teaches");
  if (phase.subnets_per_step < 2)
    r.refuse("subnets_per_step", "at least 2 where sandwich is true",
             std::to_string(phase.subnets_per_step), "the largest and the smallest are two");
}

}  // namespace

void DataConfig::read(ConfigReader& r) {
  r.required().file("path", path,
                    "images: a folder or archive with train/CLASS/*.jpg|png and test/ or "
                    "val/, or CIFAR-10's binary batches");
  r.integer("image_size", image_size, {8, 1024}, "side in pixels that images are kept at");
  r.integer("validation_per_class", validation_per_class, {1, 100000},
            "training images of each class held out for validation, drawn by seed");
  r.integer("pad", pad, {0, 512}, "mirrored pixels on each side before the random crop");
  r.boolean("flip", flip, "flip half of the training images left to right");
}

void PhaseConfig::read(ConfigReader& r) {
  r.required().string("name", name, "name in metrics and messages");
  r.entries(
      "open",
      [&](const std::string& kind, const nlohmann::json& value) {
        open[kind] = open_values(r, kind, value);
      },
      "what may vary: by kind of decision (kernel, depth, expand, resolution, ...: the last part "
      "of "
      "its name) \"all\" or the values; all else stays at its largest");
  r.required().integer("epochs", epochs, {1, 10000}, "passes over the images after the warm-up");
  r.integer("warm_up_epochs", warm_up_epochs, {0, 1000},
            "passes before them, in which lr rises linearly");
  r.required().number("lr", lr, {1e-6, 10}, "learning rate at its highest; falls by a half cosine");
  r.integer("subnets_per_step", subnets_per_step, {1, 16},
            "networks trained on each batch; their gradients are summed");
  r.number("distillation", distillation, {0, 10},
           "weight of the cross-entropy with the teacher's output, added to that with the labels; "
           "the teacher is the largest network as the last phase without distillation left it");
  r.boolean("sandwich", sandwich,
            "of the networks of a batch the first is the largest, the last the smallest that is "
            "open, those between are drawn; the first learns the labels, the others its output");
  r.number("clip_gradients", clip_gradients, {0, 1000},
           "each element of the summed gradients is cut to this size; 0: none is");
  r.boolean("sort_channels", sort_channels,
            "before new widths open, put the most important channels first");
  if (name.empty() || name.find_first_of(",\"\n\r") != std::string::npos)
    if (!r.describing())
      r.refuse("name", "a name without comma, quote or line end", "\"" + name + "\"");
}

void TrainConfig::read(ConfigReader& r) {
  file = r.file_name();
  r.header("lathe.train", 1);
  r.required().string("space", space,
                      "search space, with parameters: \"tiny\", \"ofa-mbv3:width=1.2\"");
  r.required().object(
      "data", [this](ConfigReader& d) { data.read(d); }, "the images");
  r.integer64("seed", seed, {0, INT64_MAX}, "of all that is drawn");
  r.integer("threads", threads, {1, 1024}, "of torch; another number gives other bytes");
  r.string("device", device, "\"cpu\" or \"cuda:N\"");
  r.integer("batch_size", batch_size, {2, 65536}, "images per step");
  r.number("momentum", momentum, {0, 0.999}, "of SGD, Nesterov's");
  r.number("weight_decay", weight_decay, {0, 0.1}, "not applied to batch norm and biases");
  r.number("label_smoothing", label_smoothing, {0, 0.9}, "share spread evenly over all classes");
  r.number("dropout", dropout, {0, 0.9}, "before the classifier, of the largest network only");
  r.integer("bn_images", bn_images, {1, 1000000},
            "training images that set a network's batch norm statistics before it is judged");
  r.strings("probes", probes,
            "networks judged on the validation images: largest (always), smallest, "
            "random, each among those open in the phase");
  r.integer("probe_every", probe_every, {1, 1000},
            "epochs between judging the probes; the largest is judged after every epoch");
  r.number("collapse_below", collapse_below, {0, 100},
           "stop if the largest network's accuracy is below so many times chance after an epoch");
  r.integer("checkpoint_every", checkpoint_every, {1, 1000}, "epochs between checkpoints");
  r.duration("checkpoint_interval", checkpoint_interval,
             {std::chrono::seconds(1), std::chrono::hours(24)},
             "longest time between checkpoints: what a crash can cost");
  r.required().objects(
      "phases",
      [this](ConfigReader& p, std::size_t) {
        PhaseConfig phase;
        phase.read(p);
        if (!p.describing()) check_phase(p, phase, phases);
        phases.push_back(std::move(phase));
      },
      "the phases, in order");
  if (r.describing()) return;
  check_device(r, device);
  for (const std::string& probe : probes)
    if (probe != "largest" && probe != "smallest" && probe != "random")
      r.refuse("probes", "largest, smallest or random", probe);
  if (phases.empty()) r.refuse("phases", "at least one phase", "none");
}

TrainConfig read_train_config(const nlohmann::json& value, const std::filesystem::path& file) {
  TrainConfig config;
  ConfigReader::read(value, file, Strictness::config, [&](ConfigReader& r) { config.read(r); });
  return config;
}

}  // namespace lathe::supernet
