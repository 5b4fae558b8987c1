#pragma once

#include "search/torch_door.hpp"
#include "supernet/subnet.hpp"
#include "supernet/training/trained_run.hpp"

#include <nlohmann/json_fwd.hpp>

#include <filesystem>
#include <memory>
#include <variant>
#include <vector>

namespace lathe::search {

/// The supernet of a train run behind the door. Evaluates on the run's device where that is here,
/// else on the CPU.
class OpenedSupernet : public TrainedSupernet {
 public:
  OpenedSupernet(const std::filesystem::path& run, const std::filesystem::path& configs);

  const spaces::SearchSpace& space() const override { return run_.space; }
  nlohmann::json train_config() const override;
  std::vector<float> mean() const override;
  std::vector<float> deviation() const override;
  std::vector<std::string> classes() const override { return run_.data.dataset.classes; }
  std::vector<Accuracy> accuracies(const std::vector<spaces::NetworkSpec>& nets, Split split,
                                   int workers, EventSink& events) override;
  std::unique_ptr<Evaluator> evaluator(int workers, EventSink& events) override;
  supernet::Graph graph(const spaces::NetworkSpec& net) override;
  std::vector<std::vector<float>> logits(const spaces::NetworkSpec& net,
                                         const std::vector<std::vector<float>>& images) override;
  std::vector<std::vector<float>> images(const spaces::Shape& input, Split split,
                                         int count) override;

  /// One network's accuracy on one torch thread, or why there is none. Safe to call from several
  /// threads.
  std::variant<Accuracy, Failure> judge(const spaces::NetworkSpec& net, Split split) const;

 private:
  /// Extracted and recalibrated; the number of images that recalibrated it, if asked for.
  supernet::Subnet ready(const spaces::NetworkSpec& net, int* bn_images = nullptr) const;

  std::filesystem::path folder_;
  supernet::TrainedRun run_;
  c10::Device device_;
};

}  // namespace lathe::search
