#pragma once

#include "supernet/training/safetensors.hpp"
#include "supernet/training/train_state.hpp"

#include <filesystem>
#include <map>
#include <string>

namespace lathe::supernet {

/// Whose weights a checkpoint holds.
struct CheckpointIdentity {
  std::string space;              ///< as the config names it
  std::string space_fingerprint;  ///< of the space before pins, 16 hexadecimal digits
  std::string config;             ///< fingerprint of the resolved config, 16 hexadecimal digits
};

/// The texts that go with the tensors (docs/file-formats/checkpoint.md).
std::map<std::string, std::string> checkpoint_metadata(const CheckpointIdentity& identity,
                                                       const TrainState& state);

/// A checkpoint, read and checked for its format, version and space.
struct Checkpoint {
  std::string file;
  CheckpointIdentity identity;
  TrainState state;
  TensorFile tensors;
};
/// Throws FormatError: damaged, not a checkpoint of ours, another version, another space (both
/// fingerprints), a file that is not named by its state's step.
Checkpoint read_checkpoint(const std::filesystem::path& file, const std::string& space_fingerprint);
/// The same of bytes; `file` is the name for messages.
Checkpoint parse_checkpoint(std::string bytes, const std::filesystem::path& file,
                            const std::string& space_fingerprint);

/// Fingerprint of the run's config.json, as CheckpointIdentity has it. Throws FormatError.
std::string config_fingerprint(const std::filesystem::path& run_folder);
/// Throws FormatError unless the checkpoint is of that config and its state one of that plan.
void check_checkpoint(const Checkpoint& checkpoint, const std::string& config,
                      const TrainPlan& plan);

}  // namespace lathe::supernet
