#pragma once

#include "spaces/base/event.hpp"
#include "spaces/base/run_dir.hpp"
#include "supernet/training/train_config.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace lathe::supernet {

/// Trains a supernet through the config's phases (progressive shrinking, Cai et al. 2020; any list
/// of phases) into the run's folder: metrics.csv, timing.csv, split.json, checkpoints/. Goes on
/// from the newest checkpoint if there is one, to the same bytes as without the stop (CPU, same
/// threads); rows of metrics.csv past the checkpoint are dropped. Spaces are found below `configs`.
///
/// A step draws one resolution and the networks of step_networks, sums their gradients and moves
/// once. Dropout applies where the drawn network is the largest one (BigNAS; small networks need
/// none). Momentum starts anew in every phase, for sorting channels would scatter it.
///
/// Emits train.start, train.phase, train.epoch and progress over all phases. Returns the names of
/// the run's outputs, relative to its folder; closing the run is the caller's. Sets torch's number
/// of threads for the process. Throws Interrupted after saving; CheckFailed if the loss is not
/// finite, if the largest network collapses or if it does not survive the entry into a phase (the
/// last good checkpoint is kept); ConfigError and FormatError for config, space, images and
/// checkpoints.
std::vector<std::string> train(const TrainConfig& config, RunDir& run,
                               const std::filesystem::path& configs, EventSink& events);

}  // namespace lathe::supernet
