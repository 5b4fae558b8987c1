#pragma once

#include "supernet/export/graph.hpp"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace lathe::supernet {

/// Runs a network: image (channels x height x width) to logits.
using Forward = std::function<std::vector<float>(const std::vector<float>& image)>;

/// Largest difference that a float32 export may have, relative to the image's largest logit.
/// Engines keep a third of it on MobileNetV3-Large (docs/engines.md).
constexpr double kVerifyBound = 1e-5;

/// How far a written file, read again and run, is from what it should compute.
struct Verification {
  std::string engine;   ///< "onnxruntime", "torchscript", or "reference": our own executor
  std::string version;  ///< the engine's, "1.31.1"
  int images = 0;
  double largest_difference = 0;  ///< of any logit, absolute
  double largest_logit = 0;       ///< absolute, over all images
  double relative_difference =
      0;                        ///< largest over images of difference / largest logit of the image
  double bound = kVerifyBound;  ///< of relative_difference
  bool passed() const { return relative_difference <= bound; }
};

/// Images and the logits that they should give.
struct Expected {
  std::vector<std::vector<float>> images;  ///< channels x height x width each, normalised
  std::vector<std::vector<float>> logits;  ///< per image
};
/// What the reference executor makes of the images: slow, for checks.
Expected expected_by_reference(const Graph& graph, std::vector<std::vector<float>> images);

/// Runs `written` on every image. A logit that is not finite, another number of logits, or a
/// difference where all expected logits are zero counts as infinite. LogicError without images.
Verification compare(const std::string& engine, const std::string& version, const Forward& written,
                     const Expected& expected, double bound = kVerifyBound);

/// Reads the ONNX file again, runs it in ONNX Runtime (`library`), or without one reads it back
/// with read_onnx and runs that in the reference executor (slow; the engine is then "reference").
Verification verify_onnx(const std::filesystem::path& file,
                         const std::optional<std::filesystem::path>& library,
                         const Expected& expected);

/// Throws CheckFailed with both numbers and the bound unless `verification` passed.
void require_passed(const Verification& verification, const std::filesystem::path& file);

}  // namespace lathe::supernet
