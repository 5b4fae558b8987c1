#include "search/torch/guard.hpp"
#include "search/torch/trained_supernet.hpp"
#include "search/torch_door.hpp"
#include "supernet/export/torchscript_writer.hpp"
#include "supernet/training/train_config.hpp"
#include "supernet/training/trainer.hpp"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <nlohmann/json.hpp>
#include <torch/version.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace lathe::search {
namespace {

class LoadedScript : public TorchScript {
 public:
  explicit LoadedScript(const std::filesystem::path& file) : model_(file) {}
  std::vector<float> run(const spaces::Shape& input, const std::vector<float>& image) override {
    return model_.run(input, image);
  }

 private:
  supernet::TorchScriptModel model_;
};

class Door : public TorchDoor {
 public:
  explicit Door(int threads) {
    at::set_num_threads(threads);
    keep_freed_memory();
  }

  std::string version() const override { return TORCH_VERSION; }

  std::vector<std::string> devices() const override {
    std::vector<std::string> names = {"cpu"};
    const std::int64_t gpus = at::hasCUDA() ? at::detail::getCUDAHooks().deviceCount() : 0;
    for (std::int64_t gpu = 0; gpu < gpus; ++gpu) names.push_back("cuda:" + std::to_string(gpu));
    return names;
  }

  std::vector<std::string> train(const nlohmann::json& config, const std::filesystem::path& configs,
                                 RunDir& run, EventSink& events) override {
    std::vector<std::string> outputs;
    without_torch_errors("training " + run.folder().string(), [&] {
      const auto recipe = supernet::read_train_config(config, run.file("config.json"));
      outputs = supernet::train(recipe, run, configs, events);
    });
    return outputs;
  }

  std::unique_ptr<TrainedSupernet> open(const std::filesystem::path& run,
                                        const std::filesystem::path& configs) override {
    std::unique_ptr<TrainedSupernet> opened;
    without_torch_errors("opening " + run.string(),
                         [&] { opened = std::make_unique<OpenedSupernet>(run, configs); });
    return opened;
  }

  void write_torchscript(const supernet::Graph& folded,
                         const std::filesystem::path& file) override {
    without_torch_errors("writing " + file.string(),
                         [&] { supernet::write_torchscript(folded, file); });
  }

  std::unique_ptr<TorchScript> load_torchscript(const std::filesystem::path& file) override {
    std::unique_ptr<TorchScript> loaded;
    without_torch_errors("loading " + file.string(),
                         [&] { loaded = std::make_unique<LoadedScript>(file); });
    return loaded;
  }
};

}  // namespace
}  // namespace lathe::search

extern "C" {

const char* lathe_torch_door_interface() { return lathe::search::kTorchDoorInterface; }

lathe::search::TorchDoor* lathe_torch_door(int threads) {
  return std::make_unique<lathe::search::Door>(threads).release();
}
}
