#include "search/torch/trained_supernet.hpp"

#include "search/torch/guard.hpp"
#include "search/torch/supernet_evaluator.hpp"
#include "spaces/base/error.hpp"
#include "spaces/base/parallel.hpp"
#include "supernet/evaluate.hpp"
#include "supernet/export/from_subnet.hpp"
#include "supernet/extract.hpp"
#include "supernet/recalibrate.hpp"

#include <nlohmann/json.hpp>
#include <torch/torch.h>

#include <atomic>
#include <utility>

namespace lathe::search {
namespace {

supernet::Part part_of(Split split) {
  return split == Split::val ? supernet::Part::validation : supernet::Part::test;
}

c10::Device device_of(const supernet::TrainConfig& config) {
  const c10::Device device(config.device);
  return device.is_cuda() && !torch::cuda::is_available() ? c10::Device(c10::kCPU) : device;
}

std::vector<float> floats(const std::array<double, 3>& values) {
  return {values.begin(), values.end()};
}

}  // namespace

OpenedSupernet::OpenedSupernet(const std::filesystem::path& run,
                               const std::filesystem::path& configs)
    : folder_(run), run_(supernet::load_supernet(run, configs)), device_(device_of(run_.config)) {
  run_.supernet->to(device_);
}

nlohmann::json OpenedSupernet::train_config() const { return RunDir::read_config(folder_); }

std::vector<float> OpenedSupernet::mean() const { return floats(run_.data.statistics.mean); }
std::vector<float> OpenedSupernet::deviation() const {
  return floats(run_.data.statistics.deviation);
}

supernet::Subnet OpenedSupernet::ready(const spaces::NetworkSpec& net, int* bn_images) const {
  supernet::Subnet subnet = supernet::extract(*run_.supernet, net);
  const int images = supernet::recalibrate(
      subnet, supernet::recalibration_stream(run_.data, run_.config, net.input.height, device_));
  if (bn_images != nullptr) *bn_images = images;
  return subnet;
}

std::variant<Accuracy, Failure> OpenedSupernet::judge(const spaces::NetworkSpec& net,
                                                      Split split) const {
  const torch::NoGradGuard no_grad;
  const OneTorchThread one_thread;
  try {
    Accuracy result;
    without_torch_errors("evaluating a subnet", [&] {
      const supernet::Subnet subnet = ready(net, &result.bn_images);
      result.correct = supernet::evaluate(
          subnet, supernet::judging_stream(run_.data, part_of(split), net.input.height, device_));
    });
    result.images = static_cast<int>(result.correct.size());
    result.accuracy = supernet::accuracy_of(result.correct);
    return result;
  } catch (const CheckFailed& failed) {  // its logits are not finite: this network's failure only
    return Failure{failed.what()};
  }
}

std::vector<Accuracy> OpenedSupernet::accuracies(const std::vector<spaces::NetworkSpec>& nets,
                                                 Split split, int workers, EventSink& events) {
  std::vector<Accuracy> results(nets.size());
  std::atomic<int> done{0};
  parallel_for(nets.size(), workers, [&](std::size_t i) {
    if (events.stop_requested()) throw Interrupted("evaluation stopped; nothing was written");
    auto result = judge(nets[i], split);
    if (const auto* failure = std::get_if<Failure>(&result)) throw CheckFailed(failure->reason);
    results[i] = std::move(std::get<Accuracy>(result));
    events.progress({"evaluating networks", double(++done), double(nets.size()), ""});
  });
  return results;
}

std::unique_ptr<Evaluator> OpenedSupernet::evaluator(int workers, EventSink& /*events*/) {
  return std::make_unique<SupernetEvaluator>(*this, workers);
}

supernet::Graph OpenedSupernet::graph(const spaces::NetworkSpec& net) {
  const torch::NoGradGuard no_grad;
  const OneTorchThread one_thread;
  supernet::Graph graph;
  without_torch_errors("extracting a subnet", [&] {
    graph = supernet::graph_of(ready(net).to(torch::TensorOptions(torch::kCPU)));
  });
  return graph;
}

std::vector<std::vector<float>> OpenedSupernet::logits(
    const spaces::NetworkSpec& net, const std::vector<std::vector<float>>& images) {
  const torch::NoGradGuard no_grad;
  const OneTorchThread one_thread;
  std::vector<std::vector<float>> results;
  without_torch_errors("running a subnet", [&] {
    // In double: LibTorch's own float32 is up to 1e-5 of the largest logit away from it, which is
    // all that an export may differ by.
    const auto precise = torch::TensorOptions(torch::kCPU).dtype(torch::kDouble);
    const supernet::Subnet subnet = ready(net).to(precise);
    const auto& in = net.input;
    for (const auto& image : images) {
      const auto batch = torch::tensor(image).view({1, in.channels, in.height, in.width});
      const auto out = subnet.forward(batch.to(precise)).to(torch::kFloat).contiguous();
      results.emplace_back(out.data_ptr<float>(), out.data_ptr<float>() + out.numel());
    }
  });
  return results;
}

std::vector<std::vector<float>> OpenedSupernet::images(const spaces::Shape& input, Split split,
                                                       int count) {
  return supernet::normalised_images(run_.data, part_of(split), input.height, count);
}

}  // namespace lathe::search
