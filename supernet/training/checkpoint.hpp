#pragma once

#include "supernet/supernet.hpp"
#include "supernet/training/safetensors.hpp"
#include "supernet/training/sgd.hpp"
#include "supernet/training/train_state.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace lathe::supernet {

/// Whose weights a checkpoint holds.
struct CheckpointIdentity {
  std::string space;              ///< as the config names it
  std::string space_fingerprint;  ///< of the space before pins, 16 hexadecimal digits
  std::string config;             ///< fingerprint of the resolved config, 16 hexadecimal digits
};

/// Writes weights, batch norm's running statistics, momentum ("optimizer." + name) and the state,
/// whole or not at all (docs/file-formats/checkpoint.md). Throws CheckFailed, leaving the folder as
/// it is, if a number is not finite.
void save_checkpoint(const std::filesystem::path& file, const CheckpointIdentity& identity,
                     const SupernetImpl& supernet, const Sgd& sgd, const TrainState& state);

/// A checkpoint, read and checked for its format, version and space.
struct Checkpoint {
  std::string file;
  CheckpointIdentity identity;
  TrainState state;
  TensorFile tensors;
};
/// Throws FormatError: not a checkpoint of ours, another version, another space (both
/// fingerprints).
Checkpoint read_checkpoint(const std::filesystem::path& file, const std::string& space_fingerprint);

/// Copies weights and running statistics into the supernet. Throws FormatError for a tensor that is
/// missing, unknown, or of another shape or type; the supernet is then to be thrown away.
void load_weights(const Checkpoint& checkpoint, SupernetImpl& supernet);
/// Copies momentum; where the checkpoint has none of a parameter, it has none. Throws as above.
void load_momentum(const Checkpoint& checkpoint, Sgd& sgd);

/// "checkpoints/000123.safetensors" for step 123.
std::string checkpoint_name(std::int64_t step);
/// The checkpoint of the run with the most steps, relative to the folder; nothing if there is none.
std::optional<std::string> newest_checkpoint(const std::filesystem::path& run_folder);
/// Removes every checkpoint of the run but those named.
void remove_other_checkpoints(const std::filesystem::path& run_folder,
                              const std::vector<std::string>& keep);

}  // namespace lathe::supernet
