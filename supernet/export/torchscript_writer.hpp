#pragma once

#include "supernet/export/graph.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace lathe::supernet {

/// The module's `forward`, as TorchScript source: one line per op and one per activation, weights
/// as attributes named after the op ("stage2.1.depthwise" gives self.stage2_1_depthwise_weight).
/// forward(input) takes N x C x H x W and returns logits, N x classes (N x C H W where the last op
/// leaves a map). Throws LogicError if an op still has batch norm.
std::string torchscript_source(const Graph& folded);

/// Writes the network as a TorchScript file (float32, for torch.jit.load), whole or not at all.
/// Throws as write_file does, and LogicError if an op still has batch norm.
void write_torchscript(const Graph& folded, const std::filesystem::path& file);

/// A written TorchScript file, run by LibTorch on the CPU. Not thread-safe.
class TorchScriptModel {
 public:
  /// Throws FormatError with LibTorch's first line where the file is missing or damaged.
  explicit TorchScriptModel(const std::filesystem::path& file);
  ~TorchScriptModel();
  TorchScriptModel(TorchScriptModel&&) noexcept;
  TorchScriptModel& operator=(TorchScriptModel&&) noexcept;

  /// image: channels x height x width as `input` says. Returns the logits. Throws FormatError with
  /// LibTorch's first line where the file's network does not take such an image.
  std::vector<float> run(const spaces::Shape& input, const std::vector<float>& image);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lathe::supernet
