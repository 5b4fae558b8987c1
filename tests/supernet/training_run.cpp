#include "tests/supernet/training_run.hpp"

#include "spaces/base/json_io.hpp"

namespace lathe::test {

using nlohmann::json;

TrainingBench::TrainingBench() {
  folder_.write("configs/spaces/toy.json", R"({
    "format": "lathe.space", "version": 1,
    "width": 1.0, "classes": 3,
    "resolution": {"choices": [8, 12]},
    "rounding": {"width": "make_divisible", "mid": "make_divisible_of_rounded"},
    "squeeze": {"width": "quarter_of_mid", "act": "relu", "gate": "hsigmoid"},
    "norm_epsilon": 1e-5, "kernel_transform": true, "text": "ofa",
    "stages": [
      {"name": "stem", "block": "conv", "kernel": 3, "out": 8, "stride": 1, "act": "hswish"},
      {"name": "stage1", "block": "mbconv", "depth": [1, 2], "kernel": [3, 5], "expand": [2, 3, 4],
       "out": 8, "stride": 2, "act": "relu"},
      {"name": "stage2", "block": "mbconv", "depth": [1, 2], "kernel": [3, 5], "expand": [2, 3, 4],
       "out": 16, "stride": 2, "act": "hswish", "se": true},
      {"name": "pool", "block": "pool"},
      {"name": "classifier", "block": "linear"}]})");
  folder_.write("images.tar", archive_bytes(toy_members(3, 40, 10, 12), "ustar", "none"));
}

json TrainingBench::config() const {
  return json::parse(R"({
    "format": "lathe.train", "version": 1, "space": "toy",
    "data": {"path": "images.tar", "image_size": 12, "validation_per_class": 10, "pad": 2},
    "seed": 5, "batch_size": 16, "bn_images": 32, "weight_decay": 0.001,
    "probes": ["largest", "smallest", "random"],
    "phases": [
      {"name": "full", "epochs": 3, "warm_up_epochs": 1, "lr": 0.05},
      {"name": "shapes", "epochs": 2, "lr": 0.02, "distillation": 1, "subnets_per_step": 2,
       "open": {"kernel": "all", "depth": "all", "resolution": "all"}},
      {"name": "width", "epochs": 2, "lr": 0.02, "distillation": 1, "subnets_per_step": 2,
       "open": {"kernel": "all", "depth": "all", "expand": "all", "resolution": "all"}}]})");
}

supernet::TrainConfig TrainingBench::read(const json& config) const {
  return supernet::read_train_config(config, path("t.json"));
}

RunDir TrainingBench::open(const std::string& name, const json& config) const {
  const json resolved =
      ConfigReader::resolve(config, path("t.json"), Strictness::config, [](ConfigReader& r) {
        supernet::TrainConfig ignored;
        ignored.read(r);
      });
  RunDir::Start start;
  start.kind = "train";
  start.command_line = {"test"};
  return std::filesystem::exists(path(name)) ? RunDir::resume(path(name), start, resolved)
                                             : RunDir::create(path(name), start, resolved);
}

}  // namespace lathe::test
