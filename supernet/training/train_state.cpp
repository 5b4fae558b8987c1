#include "supernet/training/train_state.hpp"

#include "spaces/base/config_reader.hpp"

#include <nlohmann/json.hpp>

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
    r.required().number("epoch_loss", s.epoch_loss, {-1e300, 1e300}, "");
    r.required().number("largest_accuracy", s.largest_accuracy, {0, 1}, "");
    r.required().string("teacher", s.teacher, "");
    r.required().strings("phase_ends", s.phase_ends, "");
    r.required().integer64("metrics_bytes", s.metrics_bytes, {0, most64}, "");
    r.required().integer("threads", s.threads, {1, most}, "");
  });
  return s;
}

}  // namespace lathe::supernet
