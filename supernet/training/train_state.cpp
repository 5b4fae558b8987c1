#include "supernet/training/train_state.hpp"

#include "spaces/base/config_reader.hpp"
#include "spaces/base/error.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <limits>

namespace lathe::supernet {

nlohmann::json to_json(const TrainState& s) {
  return {{"phase", s.phase},
          {"entered", s.entered},
          {"epoch", s.epoch},
          {"epoch_step", s.epoch_step},
          {"step", s.step},
          {"epoch_loss", s.epoch_loss},
          {"largest_accuracy", s.largest_accuracy},
          {"teacher", s.teacher},
          {"phase_ends", s.phase_ends},
          {"metrics_bytes", s.metrics_bytes},
          {"threads", s.threads}};
}

TrainState train_state(const nlohmann::json& value, const std::string& where) {
  constexpr int most = std::numeric_limits<int>::max();
  constexpr std::int64_t most64 = std::numeric_limits<std::int64_t>::max();
  TrainState s;
  ConfigReader::read(value, where, Strictness::data, [&](ConfigReader& r) {
    r.required().integer("phase", s.phase, {0, most}, "");
    r.required().boolean("entered", s.entered, "");
    r.required().integer("epoch", s.epoch, {0, most}, "");
    r.required().integer("epoch_step", s.epoch_step, {0, most}, "");
    r.required().integer64("step", s.step, {0, most64}, "");
    r.required().number("epoch_loss", s.epoch_loss, {0, 1e300}, "");
    r.required().number("largest_accuracy", s.largest_accuracy, {0, 1}, "");
    r.required().string("teacher", s.teacher, "");
    r.required().strings("phase_ends", s.phase_ends, "");
    r.required().integer64("metrics_bytes", s.metrics_bytes, {0, most64}, "");
    r.required().integer("threads", s.threads, {1, most}, "");
  });
  return s;
}

std::int64_t TrainPlan::steps_before(int phase) const {
  std::int64_t steps = 0;
  for (int p = 0; p < phase; ++p)
    steps += std::int64_t(phases[std::size_t(p)].epochs) * steps_per_epoch;
  return steps;
}

std::string checkpoint_name(std::int64_t step) {
  char name[64];
  std::snprintf(name, sizeof name, "checkpoints/%06lld.safetensors", static_cast<long long>(step));
  return name;
}

void check_state(const TrainState& s, const TrainPlan& plan, const std::string& where) {
  const auto require = [&](bool holds, const std::string& key, const std::string& expected,
                           const std::string& found) {
    if (holds) return;
    throw FormatError(Problem{where + ": /" + key, expected, found,
                              "the checkpoint is not of this run: restore it from a copy"});
  };
  const auto number = [](std::int64_t n) { return std::to_string(n); };
  const int phases = static_cast<int>(plan.phases.size());
  require(s.phase <= phases, "phase", "at most " + number(phases), number(s.phase));
  const int epochs = s.phase < phases ? plan.phases[std::size_t(s.phase)].epochs : 1;
  require(s.epoch < epochs, "epoch", "less than " + number(epochs), number(s.epoch));
  const int steps = s.phase < phases ? plan.steps_per_epoch : 1;
  require(s.epoch_step < steps, "epoch_step", "less than " + number(steps), number(s.epoch_step));
  const bool begun = s.epoch > 0 || s.epoch_step > 0;
  require(s.entered == begun, "entered", begun ? "true" : "false", begun ? "false" : "true");
  const std::int64_t step =
      plan.steps_before(s.phase) + std::int64_t(s.epoch) * plan.steps_per_epoch + s.epoch_step;
  require(s.step == step, "step", number(step), number(s.step));
  require(s.epoch_step > 0 || s.epoch_loss == 0, "epoch_loss", "0", std::to_string(s.epoch_loss));
  std::vector<std::string> ends;
  for (int p = 1; p <= s.phase; ++p) ends.push_back(checkpoint_name(plan.steps_before(p)));
  require(s.phase_ends.size() == ends.size(), "phase_ends", number(s.phase) + " names",
          number(std::int64_t(s.phase_ends.size())));
  for (std::size_t i = 0; i < ends.size(); ++i)
    require(s.phase_ends[i] == ends[i], "phase_ends/" + number(std::int64_t(i)), ends[i],
            quote(s.phase_ends[i]));
  const bool known = std::find(ends.begin(), ends.end(), s.teacher) != ends.end();
  require(known || s.teacher.empty(), "teacher", "a checkpoint at a phase's end, or none",
          quote(s.teacher));
}

}  // namespace lathe::supernet
