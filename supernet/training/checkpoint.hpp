#pragma once

#include "supernet/supernet.hpp"
#include "supernet/training/checkpoint_file.hpp"
#include "supernet/training/sgd.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace lathe::supernet {

/// Writes weights, batch norm's running statistics, momentum ("optimizer." + name) and the state,
/// whole or not at all (docs/file-formats/checkpoint.md). Throws CheckFailed, leaving the folder as
/// it is, if a number is not finite.
void save_checkpoint(const std::filesystem::path& file, const CheckpointIdentity& identity,
                     const SupernetImpl& supernet, const Sgd& sgd, const TrainState& state);

/// Copies weights and running statistics into the supernet. Throws FormatError for a tensor that is
/// missing, unknown, of another shape or type, or not finite; the supernet is then to be thrown
/// away.
void load_weights(const Checkpoint& checkpoint, SupernetImpl& supernet);
/// Copies momentum; where the checkpoint has none of a parameter, it has none. Throws as above.
void load_momentum(const Checkpoint& checkpoint, Sgd& sgd);

/// The checkpoint of the run with the most steps, relative to the folder; nothing if there is none.
/// Throws FormatError if the folder of checkpoints is none or can't be read.
std::optional<std::string> newest_checkpoint(const std::filesystem::path& run_folder);
/// Removes every checkpoint of the run but those named.
void remove_other_checkpoints(const std::filesystem::path& run_folder,
                              const std::vector<std::string>& keep);

}  // namespace lathe::supernet
