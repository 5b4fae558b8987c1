#pragma once

#include "search/accuracy.hpp"
#include "search/evaluator.hpp"
#include "spaces/base/event.hpp"
#include "spaces/base/run_dir.hpp"
#include "spaces/network_text.hpp"
#include "supernet/export/graph.hpp"

#include <nlohmann/json_fwd.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace lathe::search {

/// A trained supernet, opened for reading.
class TrainedSupernet {
 public:
  virtual ~TrainedSupernet() = default;
  virtual const spaces::SearchSpace& space() const = 0;  ///< before pins
  virtual nlohmann::json train_config() const = 0;
  /// Mean and deviation per channel that images are normalised with (of pixels in [0, 1]).
  virtual std::vector<float> mean() const = 0;
  virtual std::vector<float> deviation() const = 0;
  virtual std::vector<std::string> classes() const = 0;

  /// Extract, recalibrate, evaluate; each network on one torch thread, `workers` at a time, the
  /// same values whatever `workers`. In order.
  virtual std::vector<Accuracy> accuracies(const std::vector<spaces::NetworkSpec>& nets,
                                           Split split, int workers, EventSink& events) = 0;
  /// Supplies {"error"} on the validation split; caches by network; used by the search loop.
  virtual std::unique_ptr<Evaluator> evaluator(int workers, EventSink& events) = 0;
  /// Extracted, recalibrated, batch norm not folded.
  virtual supernet::Graph graph(const spaces::NetworkSpec& net) = 0;
  /// The logits of the same recalibrated network, run by LibTorch in double precision: what exports
  /// are compared with.
  /// images as images() gives them; in order.
  virtual std::vector<std::vector<float>> logits(const spaces::NetworkSpec& net,
                                                 const std::vector<std::vector<float>>& images) = 0;
  /// Normalised images of a split at the network's resolution, channels x height x width each.
  virtual std::vector<std::vector<float>> images(const spaces::Shape& input, Split split,
                                                 int count) = 0;
};

/// A written TorchScript file, run again by LibTorch.
class TorchScript {
 public:
  virtual ~TorchScript() = default;
  virtual std::vector<float> run(const spaces::Shape& input, const std::vector<float>& image) = 0;
};

/// Everything that needs LibTorch, behind one plain interface: the rest of the program never sees a
/// torch header. Errors are ours; c10::Error never crosses.
class TorchDoor {
 public:
  virtual ~TorchDoor() = default;
  virtual std::string version() const = 0;  ///< "2.13.0"
  /// What training may run on here: "cpu", and "cuda:N" for every GPU that LibTorch sees.
  virtual std::vector<std::string> devices() const = 0;
  /// Trains through the phases of `config` (a resolved one; docs/file-formats/config.md, train)
  /// into `run`; goes on from its newest checkpoint if there is one. Spaces are found below
  /// `configs`. Returns the outputs' names, relative to the run. Throws Interrupted after saving,
  /// CheckFailed on collapse or NaN.
  virtual std::vector<std::string> train(const nlohmann::json& config,
                                         const std::filesystem::path& configs, RunDir& run,
                                         EventSink& events) = 0;
  /// Opens the newest checkpoint of a train run. `configs` is where spaces are found.
  virtual std::unique_ptr<TrainedSupernet> open(const std::filesystem::path& run,
                                                const std::filesystem::path& configs) = 0;
  /// Writes the folded graph as TorchScript, whole or not at all.
  virtual void write_torchscript(const supernet::Graph& folded,
                                 const std::filesystem::path& file) = 0;
  virtual std::unique_ptr<TorchScript> load_torchscript(const std::filesystem::path& file) = 0;
};

/// Version of this header's binary interface; program and library must agree on it.
constexpr const char* kTorchDoorInterface = "2";

/// The shared library with everything of torch in it. Throws MissingEntry (exit 3) saying where it
/// looked.
std::filesystem::path find_torch_library();

/// Opens the shared library with everything of torch in it (once for the process, however often it
/// is called). `threads` is torch's number of threads for training. Throws MissingEntry (exit 3)
/// saying where it looked.
std::unique_ptr<TorchDoor> open_torch_door(int threads);

}  // namespace lathe::search
