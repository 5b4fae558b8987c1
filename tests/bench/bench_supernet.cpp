// What sees torch: training steps, evaluation, recalibration, extraction, on one thread. Steps do
// exactly the work that against_ofa.py has Once-for-All's own code do. Run from the root of the
// source tree, where configs/ and tests/bench/ lie.

#include "search/torch/guard.hpp"
#include "spaces/network_text.hpp"
#include "supernet/evaluate.hpp"
#include "supernet/extract.hpp"
#include "supernet/recalibrate.hpp"
#include "supernet/training/distillation.hpp"
#include "supernet/training/sgd.hpp"
#include "tests/bench/bench.hpp"

#include <torch/torch.h>

#include <memory>

namespace lathe::bench {
namespace {

using spaces::NetworkSpec;
using spaces::SearchSpace;
using Work = std::function<void(std::int64_t)>;

constexpr int kBatch = 64, kSide = 64, kClasses = 10;

SearchSpace ofa_space() {
  return SearchSpace::load(spaces::parse_space_name("ofa-mbv3:classes=" + std::to_string(kClasses) +
                                                    ",resolution=" + std::to_string(kSide)),
                           "configs");
}

NetworkSpec network_of(const SearchSpace& space, const std::string& text,
                       const std::string& where) {
  return space.decode(spaces::parse_network(space, text, where).arch);
}

NetworkSpec largest() { return ofa_space().decode(ofa_space().largest()); }
NetworkSpec smallest() { return ofa_space().decode(ofa_space().smallest()); }
/// Kernel 5, expansion 4, depth 3 everywhere.
NetworkSpec middle() {
  const std::string stage = " k5e4 k5e4 k5e4";
  return network_of(ofa_space(),
                    "r" + std::to_string(kSide) + stage + " /" + stage + " /" + stage + " /" +
                        stage + " /" + stage,
                    "the middle network");
}

/// What OFA's sample_active_subnet() draws after random.seed(0), random.seed(1), ...
std::vector<NetworkSpec> random_networks() {
  const SearchSpace space = ofa_space();
  std::vector<NetworkSpec> nets;
  for (const auto& [text, where, strictness] :
       spaces::expand_network_arguments({"tests/bench/ofa-random.jsonl"}))
    nets.push_back(network_of(space, text, where));
  return nets;
}

supernet::Supernet make_supernet() { return supernet::Supernet(ofa_space(), Rng(0)); }

supernet::Batch make_batch() {
  torch::manual_seed(0);
  return {torch::randn({kBatch, 3, kSide, kSide}).contiguous(at::MemoryFormat::ChannelsLast),
          torch::randint(kClasses, {kBatch}, torch::kLong)};
}

/// OFA's training step: label-smoothed cross-entropy, dropout before the classifier, Nesterov.
class Training {
 public:
  /// One step with the first network warms up.
  explicit Training(std::vector<NetworkSpec> nets) : nets_(std::move(nets)) { train(nets_[0]); }

  /// Trains the next network, from the first on, in turn.
  void step() { train(nets_[next_++ % nets_.size()]); }

 private:
  void train(const NetworkSpec& net) {
    const Rng masks = Rng(0).stream("step", next_);
    supernet::ForwardOptions options;
    options.dropout = 0.1;
    options.random = &masks;
    clear_gradients(sgd_);
    const torch::Tensor logits = supernet_->forward(batch_.images, net, options);
    supernet::label_loss(logits, batch_.labels, 0.1).backward();
    supernet::step(sgd_, 0.01);
  }

  std::vector<NetworkSpec> nets_;
  supernet::Supernet supernet_ = make_supernet();
  supernet::Sgd sgd_ = supernet::make_sgd(*supernet_, 0.9, 3e-5);
  supernet::Batch batch_ = make_batch();
  std::size_t next_ = 0;
};

Work train(std::vector<NetworkSpec> nets) {
  const auto training = std::make_shared<Training>(std::move(nets));
  return [training](std::int64_t items) {
    for (std::int64_t i = 0; i < items; ++i) training->step();
  };
}

/// The same batch that many times.
supernet::BatchStream repeated(const supernet::Batch& batch, std::int64_t times) {
  return [batch, times]() mutable -> std::optional<supernet::Batch> {
    if (times-- == 0) return std::nullopt;
    return batch;
  };
}

Work evaluate(const NetworkSpec& net) {
  const auto supernet = make_supernet();
  return [subnet = supernet::extract(*supernet, net), batch = make_batch()](std::int64_t items) {
    keep(supernet::evaluate(subnet, repeated(batch, items)));
  };
}

Work recalibrate(const NetworkSpec& net) {
  const auto supernet = make_supernet();
  return [subnet = supernet::extract(*supernet, net),
          batch = make_batch()](std::int64_t items) mutable {
    keep(supernet::recalibrate(subnet, repeated(batch, items)));
  };
}

Work extract(const NetworkSpec& net) {
  return [supernet = make_supernet(), net](std::int64_t items) {
    for (std::int64_t i = 0; i < items; ++i) keep(supernet::extract(*supernet, net));
  };
}

}  // namespace
}  // namespace lathe::bench

int main(int argc, char** argv) {
  using namespace lathe::bench;
  at::set_num_threads(1);
  lathe::search::keep_freed_memory();
  std::vector<Benchmark> benchmarks;
  const auto add = [&](const std::string& name, const char* per, std::function<Work()> make) {
    benchmarks.push_back({name, per, std::move(make), Clock::process_cpu});
  };
  const std::pair<const char*, NetworkSpec (*)()> networks[] = {
      {"max", largest}, {"mid", middle}, {"min", smallest}};
  for (const auto& [name, net] : networks)
    add(std::string("train-") + name, "64 images", [net = net] { return train({net()}); });
  add("train-random", "64 images", [] { return train(random_networks()); });
  for (const auto& [name, net] : networks)
    add(std::string("evaluate-") + name, "64 images", [net = net] { return evaluate(net()); });
  for (const auto& [name, net] : networks)
    add(std::string("recalibrate-") + name, "64 images",
        [net = net] { return recalibrate(net()); });
  for (const auto& [name, net] : networks)
    add(std::string("extract-") + name, "subnet", [net = net] { return extract(net()); });
  return run_all(argc, argv, benchmarks);
}
