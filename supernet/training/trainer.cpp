#include "supernet/training/trainer.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/hash.hpp"
#include "spaces/base/json_io.hpp"
#include "spaces/network_text.hpp"
#include "supernet/out_of_memory.hpp"
#include "supernet/sort_channels.hpp"
#include "supernet/training/checkpoint.hpp"
#include "supernet/training/distillation.hpp"
#include "supernet/training/judge.hpp"
#include "supernet/training/metrics.hpp"
#include "supernet/training/phase.hpp"
#include "supernet/training/schedule.hpp"

#include <nlohmann/json.hpp>
#include <torch/torch.h>
#include <torch/version.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <functional>

namespace lathe::supernet {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;
using spaces::Architecture;
using spaces::NetworkSpec;
using spaces::SearchSpace;
using Clock = std::chrono::steady_clock;

/// How far the largest network may move by the entry into a phase: half a point.
constexpr double kEntryTolerance = 0.005;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double cpu_seconds() { return double(std::clock()) / CLOCKS_PER_SEC; }

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", 100 * share);
  return text;
}

torch::Device device_of(const TrainConfig& config) {
  const torch::Device device(config.device);
  if (device.is_cuda() && (!torch::cuda::is_available() ||
                           device.index() >= static_cast<int>(torch::cuda::device_count())))
    throw ConfigError(Problem{config.file.string() + ": /device", "a device that torch sees",
                              config.device, "use \"cpu\""});
  return device;
}

/// What does not change while training.
struct Setting {
  const TrainConfig& config;
  SearchSpace space;
  std::vector<Phase> phases;
  TrainingData data;
  torch::Device device;
  Rng rng;
  int steps_per_epoch;

  int epochs(std::size_t phase) const {
    return phases[phase].config.epochs + phases[phase].config.warm_up_epochs;
  }
  double epoch_cost(std::size_t phase) const {
    return step_cost(space, phases[phase]) * steps_per_epoch;
  }
};

Setting make_setting(const TrainConfig& config, const fs::path& configs) {
  SearchSpace space = SearchSpace::load(spaces::parse_space_name(config.space), configs);
  std::vector<Phase> phases = plan_phases(config, space);
  const torch::Device device = device_of(config);
  TrainingData data = prepare_data(config);
  check_classes(data, config, space.classes());
  const int steps = static_cast<int>(data.split.train.size()) / config.batch_size;
  return {config,
          std::move(space),
          std::move(phases),
          std::move(data),
          device,
          Rng(std::uint64_t(config.seed)),
          steps};
}

/// A network to be judged at the end of an epoch.
struct Probe {
  std::string name;
  NetworkSpec net;
};

std::vector<Probe> probes_of(const Setting& s, std::size_t phase_index) {
  const Phase& phase = s.phases[phase_index];
  std::vector<Probe> probes = {{"largest", s.space.decode(s.space.largest())}};
  const auto add = [&](const char* name, const Architecture& arch) {
    const auto& wanted = s.config.probes;
    if (std::find(wanted.begin(), wanted.end(), name) == wanted.end()) return;
    NetworkSpec net = s.space.decode(arch);
    const std::uint64_t id = network_id(net);
    if (std::none_of(probes.begin(), probes.end(),
                     [&](const Probe& probe) { return network_id(probe.net) == id; }))
      probes.push_back({name, std::move(net)});
  };
  add("smallest", phase.smallest);
  const int resolution = resolution_decision(s.space);
  const int largest = resolution < 0 ? 0 : s.space.largest().genes[std::size_t(resolution)];
  add("random", sample_open(s.space, phase.open, largest, s.rng.stream("probe", phase_index)));
  return probes;
}

class Trainer {
 public:
  Trainer(const Setting& setting, RunDir& run, EventSink& events)
      : s_(setting),
        run_(run),
        events_(events),
        supernet_(setting.space, setting.rng.stream("weights")),
        sgd_(make_sgd(*supernet_, setting.config.momentum, setting.config.weight_decay)),
        metrics_(run.file("metrics.csv")) {
    identity_ = {setting.config.space, hex(setting.space.without_pins().fingerprint()),
                 config_fingerprint(run.folder())};
    state_.threads = setting.config.threads;
    supernet_->to(setting.device);
    supernet_->train();
    saved_at_ = Clock::now();
  }

  void resume() {
    const auto newest = newest_checkpoint(run_.folder());
    if (!newest) return;
    const Checkpoint checkpoint = read(*newest);
    const TrainPlan plan = plan_of(s_.config, s_.data);
    check_checkpoint(checkpoint, identity_.config, plan);
    if (checkpoint.state.threads != s_.config.threads)
      throw ConfigError(Problem{checkpoint.file,
                                std::to_string(checkpoint.state.threads) + " threads",
                                std::to_string(s_.config.threads),
                                "sums differ by the number of threads, so would the result"});
    load_weights(checkpoint, *supernet_);
    load_momentum(checkpoint, sgd_);
    state_ = checkpoint.state;
    metrics_ = Metrics(run_.file("metrics.csv"), state_, plan);
    metrics_.write();
  }

  void run_phases() {
    emit_start();
    while (state_.phase < static_cast<int>(s_.phases.size())) {
      if (!state_.entered) enter_phase();
      prepare_teacher();
      emit_phase();
      for (const int current = state_.phase; state_.phase == current;) run_epoch();
    }
  }

  std::vector<std::string> outputs() const {
    std::vector<std::string> names = {"metrics.csv", "split.json"};
    names.insert(names.end(), state_.phase_ends.begin(), state_.phase_ends.end());
    return names;
  }

 private:
  std::size_t phase_index() const { return static_cast<std::size_t>(state_.phase); }
  const Phase& phase() const { return s_.phases[phase_index()]; }
  Rng phase_rng() const { return s_.rng.stream("phase", phase_index()); }

  Checkpoint read(const std::string& name) const {
    return read_checkpoint(run_.file(name), identity_.space_fingerprint);
  }

  /// Weights can diverge without a loss that shows it: then the logits of an evaluation do.
  double judge_net(const Probe& probe) const {
    try {
      return judge(*supernet_, probe.net, s_.data, s_.config, Part::validation, s_.device);
    } catch (const CheckFailed& failed) {
      throw CheckFailed("phase " + phase().config.name + ", after step " +
                        std::to_string(state_.step) + ", network " + probe.name + ": " +
                        failed.what() + "; try a lower lr; " + last_good());
    }
  }

  OpenChoices open_before() const {
    const Architecture largest = s_.space.largest();
    OpenChoices open;
    for (const std::uint8_t gene : largest.genes) open.push_back({gene});
    for (std::size_t p = 0; p < phase_index(); ++p) open = unite(open, s_.phases[p].open);
    return open;
  }

  /// Sorts channels before new widths open, and makes sure that the largest network came through.
  void enter_phase() {
    std::fill(sgd_.momentum_of.begin(), sgd_.momentum_of.end(), at::Tensor());
    state_.entered = true;
    if (state_.phase == 0) return;
    const OpenChoices before = open_before();
    const auto trained = trained_widths(s_.space, before);
    const auto next = trained_widths(s_.space, unite(before, phase().open));
    const bool widens = !std::equal(trained.begin(), trained.end(), next.begin(), next.end(),
                                    [](const TrainedWidths& a, const TrainedWidths& b) {
                                      return a.mid == b.mid && a.hidden == b.hidden;
                                    });
    if (widens && phase().config.sort_channels) sort_channels(*supernet_, trained);
    const double accuracy = judge_net({"largest", s_.space.decode(s_.space.largest())});
    if (std::abs(accuracy - state_.largest_accuracy) > kEntryTolerance)
      throw CheckFailed(
          "phase " + phase().config.name +
          ": expected the largest network's validation accuracy within 0.5 points of " +
          percent(state_.largest_accuracy) + ", where the last phase left it, got " +
          percent(accuracy) + "; its weights were damaged on the way");
  }

  /// Loads the frozen largest network where the phase distills.
  void prepare_teacher() {
    if (phase().config.distillation <= 0 || !teacher_.is_empty()) return;
    if (state_.teacher.empty()) state_.teacher = state_.phase_ends.back();
    teacher_ = Supernet(s_.space);
    load_weights(read(state_.teacher), *teacher_);
    teacher_->to(s_.device);
    teacher_->train();  // batch statistics, as OFA's teacher; its running ones are not used
  }

  Schedule schedule() const {
    const PhaseConfig& c = phase().config;
    const std::int64_t steps = s_.steps_per_epoch;
    return {c.lr, c.warm_up_epochs * steps, std::int64_t(s_.epochs(phase_index())) * steps};
  }

  void run_epoch() {
    const auto start = Clock::now();
    const double cpu = cpu_seconds();
    const int first = state_.epoch_step;
    const Rng epoch_rng = phase_rng().stream("epoch", std::uint64_t(state_.epoch));
    const std::vector<int> order = epoch_order(s_.data.split.train, phase_rng(), state_.epoch);
    while (state_.epoch_step < s_.steps_per_epoch) {
      in_memory(s_.space.largest(), [&] { run_step(order, epoch_rng); });
      save_between();
    }
    const double trained = seconds_since(start);
    const double rate = double(s_.steps_per_epoch - first) * s_.config.batch_size / trained;
    const auto judged = Clock::now();
    const std::string name = phase().config.name;
    end_epoch(rate);
    append_timing(run_.file("timing.csv"),
                  {name, state_.epoch == 0 ? s_.epochs(phase_index() - 1) : state_.epoch,
                   state_.step, trained, seconds_since(judged), cpu_seconds() - cpu, rate});
    if (events_.stop_requested()) {
      save();
      stop();
    }
  }

  /// One batch: every network's gradients, then one move.
  void run_step(const std::vector<int>& order, const Rng& epoch_rng) {
    const std::int64_t step_in_phase =
        std::int64_t(state_.epoch) * s_.steps_per_epoch + state_.epoch_step;
    const Rng rng = phase_rng().stream("step", std::uint64_t(step_in_phase));
    const auto begin = order.begin() + std::ptrdiff_t(state_.epoch_step) * s_.config.batch_size;
    const int resolution = draw_resolution(rng);
    const Architecture largest =
        s_.space.canonical(at_resolution(s_.space, s_.space.largest(), resolution));
    const NetworkSpec largest_net = s_.space.decode(largest);
    const Batch batch = make_batch(
        s_.data.dataset.train, std::vector<int>(begin, begin + s_.config.batch_size),
        {largest_net.input.height, s_.data.statistics, s_.data.augmentation}, epoch_rng, s_.device);
    at::Tensor target;
    Weights weights;
    if (phase().config.distillation > 0) {
      weights.target = phase().config.distillation;
      const torch::NoGradGuard no_grad;
      target = teacher_->forward(batch.images, largest_net);
    }
    clear_gradients(sgd_);
    double loss = 0;
    std::uint64_t sub = 0;
    for (const Architecture& arch : step_networks(s_.space, phase(), resolution, rng)) {
      const Rng masks = rng.stream("subnet", sub++).stream("masks");
      Learnt learnt;
      in_memory(arch,
                [&] { learnt = backward(arch, arch == largest, batch, target, weights, masks); });
      loss += learnt.loss;
      // In-place distillation (Yu & Huang 2019, section 3.3): no labels for the others.
      if (phase().config.sandwich && !target.defined()) {
        target = learnt.logits;
        weights = {0, 1};
      }
    }
    if (phase().config.clip_gradients > 0) clip_gradients(sgd_, phase().config.clip_gradients);
    step(sgd_, lr_at(schedule(), step_in_phase));
    state_.epoch_loss += loss / phase().config.subnets_per_step;
    ++state_.epoch_step;
    ++state_.step;
    report_progress();
  }

  /// Where memory ends, says with what batch and network, and what to do.
  void in_memory(const Architecture& arch, const std::function<void()>& body) const {
    supernet::in_memory(body, [&] {
      return Problem{place(),
                     "memory for a batch of " + std::to_string(s_.config.batch_size) +
                         " images in subnet " + spaces::to_text(s_.space, arch),
                     "", "set a smaller batch_size; " + last_good()};
    });
  }

  /// Where training stands, for messages.
  std::string place() const {
    return "phase " + phase().config.name + ", step " + std::to_string(state_.step + 1);
  }
  std::string last_good() const {
    const auto newest = newest_checkpoint(run_.folder());
    return newest ? "the last good checkpoint is " + *newest : "no checkpoint had been written";
  }

  int draw_resolution(const Rng& rng) const {
    const int decision = resolution_decision(s_.space);
    if (decision < 0) return 0;
    const std::vector<int>& open = phase().open[std::size_t(decision)];
    return open[std::size_t(rng.stream("resolution").below(static_cast<int>(open.size())))];
  }

  /// What a network's loss is made of: cross-entropy with the labels and with a teacher's output.
  struct Weights {
    double labels = 1, target = 0;
  };
  struct Learnt {
    double loss = 0;
    at::Tensor logits;  ///< N x classes, without gradient
  };

  /// Adds one network's gradients.
  Learnt backward(const Architecture& arch, bool is_largest, const Batch& batch,
                  const at::Tensor& target, const Weights& weights, const Rng& masks) {
    ForwardOptions options;
    options.dropout = is_largest ? s_.config.dropout : 0;
    options.random = &masks;
    const at::Tensor logits = supernet_->forward(batch.images, s_.space.decode(arch), options);
    at::Tensor loss;
    if (weights.labels > 0) loss = label_loss(logits, batch.labels, s_.config.label_smoothing);
    if (weights.target > 0) {
      const at::Tensor taught = weights.target * distillation_loss(logits, target);
      loss = loss.defined() ? loss + taught : taught;
    }
    const double value = loss.item<double>();
    if (!std::isfinite(value))
      throw CheckFailed(place() + ": expected a finite loss, got " + std::to_string(value) +
                        " of subnet " + spaces::to_text(s_.space, arch) + "; try a lower lr; " +
                        last_good());
    loss.backward();
    return {value, logits.detach()};
  }

  /// Judges, records, and saves where it is time.
  void end_epoch(double images_per_second) {
    const std::size_t index = phase_index();
    ++state_.epoch;
    const double lr = lr_at(schedule(), std::int64_t(state_.epoch) * s_.steps_per_epoch - 1);
    const double loss = state_.epoch_loss / s_.steps_per_epoch;
    const bool last = state_.epoch == s_.epochs(index);
    json accuracies = json::object();
    for (const Probe& probe : probes_of(s_, index)) {
      if (probe.name != "largest" && !last && state_.epoch % s_.config.probe_every != 0) continue;
      const double accuracy = judge_net(probe);
      metrics_.add({phase().config.name, state_.epoch, state_.step, probe.name, loss, accuracy});
      accuracies[probe.name] = accuracy;
    }
    metrics_.write();
    state_.largest_accuracy = accuracies["largest"];
    emit("train.epoch", {{"phase", phase().config.name},
                         {"epoch", state_.epoch},
                         {"epochs", s_.epochs(index)},
                         {"step", state_.step},
                         {"loss", loss},
                         {"lr", lr},
                         {"images_per_second", images_per_second},
                         {"accuracy", accuracies}});
    check_alive();
    state_.epoch_step = 0;
    state_.epoch_loss = 0;
    state_.metrics_bytes = metrics_.bytes();
    if (last) {
      end_phase();
    } else if (state_.epoch % s_.config.checkpoint_every == 0) {
      save();
    }
  }

  void end_phase() {
    std::fill(sgd_.momentum_of.begin(), sgd_.momentum_of.end(), at::Tensor());
    ++state_.phase;
    state_.epoch = 0;
    state_.entered = false;
    state_.phase_ends.push_back(checkpoint_name(state_.step));
    save();
  }

  void check_alive() const {
    const double least = s_.config.collapse_below / s_.space.classes();
    if (state_.largest_accuracy >= least) return;
    throw CheckFailed("phase " + phase().config.name + ", epoch " + std::to_string(state_.epoch) +
                      ": expected the largest network's validation accuracy to be at least " +
                      percent(least) + " (collapse_below times chance), got " +
                      percent(state_.largest_accuracy) + "; try a lower lr or more epochs; " +
                      last_good());
  }

  void save() {
    const std::string name = checkpoint_name(state_.step);
    save_checkpoint(run_.file(name), identity_, *supernet_, sgd_, state_);
    std::vector<std::string> keep = state_.phase_ends;
    keep.push_back(name);
    remove_other_checkpoints(run_.folder(), keep);
    saved_at_ = Clock::now();
  }

  /// After a step within an epoch: saves if the last checkpoint is old or the user wants to stop.
  void save_between() {
    if (state_.epoch_step == s_.steps_per_epoch) return;
    if (events_.stop_requested()) {
      save();
      stop();
    }
    if (Clock::now() - saved_at_ > s_.config.checkpoint_interval) save();
  }

  [[noreturn]] void stop() const {
    throw Interrupted("training stopped after step " + std::to_string(state_.step) +
                      "; go on with --resume");
  }

  void emit(const std::string& name, const json& fields) {
    events_.event({Level::info, name, fields});
  }

  void emit_start() {
    std::int64_t weights = 0;
    for (const at::Tensor& parameter : supernet_->parameters()) weights += parameter.numel();
    json names = json::array();
    for (const Phase& p : s_.phases) names.push_back(p.config.name);
    emit("train.start", {{"space", s_.space.name()},
                         {"weights", weights},
                         {"train_images", s_.data.split.train.size()},
                         {"validation_images", s_.data.split.validation.size()},
                         {"steps_per_epoch", s_.steps_per_epoch},
                         {"phases", names},
                         {"device", s_.config.device},
                         {"threads", s_.config.threads},
                         {"step", state_.step}});
  }

  void emit_phase() {
    emit("train.phase", {{"phase", phase().config.name},
                         {"epochs", s_.epochs(phase_index())},
                         {"epoch", state_.epoch},
                         {"smallest", spaces::to_text(s_.space, phase().smallest)},
                         {"teacher", state_.teacher}});
  }

  void report_progress() {
    double total = 0, done = 0;
    for (std::size_t p = 0; p < s_.phases.size(); ++p) {
      const double cost = s_.epoch_cost(p) * s_.epochs(p);
      total += cost;
      if (p < phase_index()) done += cost;
    }
    done += s_.epoch_cost(phase_index()) *
            (state_.epoch + double(state_.epoch_step) / s_.steps_per_epoch);
    char loss[32];
    std::snprintf(loss, sizeof loss, "loss %.3f", state_.epoch_loss / state_.epoch_step);
    events_.progress({"training: " + phase().config.name, done, total, loss});
  }

  const Setting& s_;
  RunDir& run_;
  EventSink& events_;
  Supernet supernet_;
  Supernet teacher_{nullptr};
  Sgd sgd_;
  Metrics metrics_;
  CheckpointIdentity identity_;
  TrainState state_;
  Clock::time_point saved_at_;
};

}  // namespace

std::vector<std::string> train(const TrainConfig& config, RunDir& run, const fs::path& configs,
                               EventSink& events) {
  at::set_num_threads(config.threads);
  const Setting setting = make_setting(config, configs);
  run.add_fact("torch", TORCH_VERSION);
  run.add_fact("images", hex(setting.data.dataset.fingerprint()));
  if (fs::is_regular_file(config.data.path)) run.add_input("data", config.data.path);
  if (const fs::path split = run.file("split.json");
      fs::exists(split) || newest_checkpoint(run.folder())) {
    check_split(setting.data, split);
  } else {
    write_file(split, dump_json(split_json(setting.data)));
  }
  Trainer trainer(setting, run, events);
  trainer.resume();
  trainer.run_phases();
  return trainer.outputs();
}

}  // namespace lathe::supernet
