#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace lathe::supernet {

/// Where a training run stands, but for weights and momentum. There is no generator in it: every
/// draw comes from a stream named by phase, epoch, step and sub-step.
struct TrainState {
  int phase = 0;                        ///< index of the phase; the number of phases: done
  bool entered = false;                 ///< channels are sorted and the largest network was checked
  int epoch = 0;                        ///< epochs of this phase that are done
  int epoch_step = 0;                   ///< batches of the next epoch that are done
  std::int64_t step = 0;                ///< steps since the beginning of training
  double epoch_loss = 0;                ///< sum of those batches' losses
  double largest_accuracy = 0;          ///< of the largest network, when it was last judged
  std::string teacher;                  ///< checkpoint that holds the teacher; empty: none yet
  std::vector<std::string> phase_ends;  ///< checkpoints at the ends of phases, which are kept
  std::int64_t metrics_bytes = 0;       ///< length of metrics.csv
  int threads = 1;                      ///< of torch: another number gives other bytes
};

nlohmann::json to_json(const TrainState& state);
/// Throws FormatError; `where` names the file.
TrainState train_state(const nlohmann::json& value, const std::string& where);

/// What a run goes through.
struct TrainPlan {
  struct PhaseEpochs {
    std::string name;
    int epochs = 0;  ///< warm-up included
  };
  std::vector<PhaseEpochs> phases;
  int steps_per_epoch = 0;

  /// Steps before the phase of that index.
  std::int64_t steps_before(int phase) const;
};

/// "checkpoints/000123.safetensors" for step 123.
std::string checkpoint_name(std::int64_t step);

/// Throws FormatError, naming `where` and the key, unless a run of that plan saves such a state.
void check_state(const TrainState& state, const TrainPlan& plan, const std::string& where);

}  // namespace lathe::supernet
