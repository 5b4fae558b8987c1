#include "supernet/export/verify.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/json_io.hpp"
#include "spaces/base/run_dir.hpp"
#include "supernet/export/onnx_reader.hpp"
#include "supernet/export/onnxruntime.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>
#include <utility>

namespace lathe::supernet {
namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();

/// Largest difference of one image, infinite where the two can't be compared.
double difference(const std::vector<float>& written, const std::vector<float>& expected) {
  if (written.size() != expected.size()) return kInfinite;
  double largest = 0;
  for (std::size_t i = 0; i < written.size(); ++i) {
    const double d = std::abs(double(written[i]) - expected[i]);
    if (!std::isfinite(d)) return kInfinite;
    largest = std::max(largest, d);
  }
  return largest;
}

double largest_of(const std::vector<float>& logits) {
  double largest = 0;
  for (const float value : logits) largest = std::max(largest, std::abs(double(value)));
  return largest;
}

}  // namespace

Expected expected_by_reference(const Graph& graph, std::vector<std::vector<float>> images) {
  Expected expected;
  expected.images = std::move(images);
  for (const auto& image : expected.images) expected.logits.push_back(run_reference(graph, image));
  return expected;
}

Verification compare(const std::string& engine, const std::string& version, const Forward& written,
                     const Expected& expected, double bound) {
  LATHE_CHECK(!expected.images.empty() && expected.images.size() == expected.logits.size(),
              "images and logits to compare with");
  Verification v;
  v.engine = engine;
  v.version = version;
  v.images = static_cast<int>(expected.images.size());
  v.bound = bound;
  for (std::size_t i = 0; i < expected.images.size(); ++i) {
    const double absolute = difference(written(expected.images[i]), expected.logits[i]);
    const double scale = largest_of(expected.logits[i]);
    v.largest_difference = std::max(v.largest_difference, absolute);
    v.largest_logit = std::max(v.largest_logit, scale);
    const double relative = absolute == 0 ? 0 : scale > 0 ? absolute / scale : kInfinite;
    v.relative_difference = std::max(v.relative_difference, relative);
  }
  return v;
}

Verification verify_onnx(const std::filesystem::path& file,
                         const std::optional<std::filesystem::path>& library,
                         const Expected& expected) {
  if (library) {
    OnnxRuntimeModel model(*library, file);
    return compare(
        "onnxruntime", model.version(),
        [&](const std::vector<float>& image) { return model.run(image); }, expected);
  }
  const OnnxFile read = read_onnx(read_file(file), file.string());
  return compare(
      "reference", build_info().version,
      [&](const std::vector<float>& image) { return run_reference(read.graph, image); }, expected);
}

void require_passed(const Verification& v, const std::filesystem::path& file) {
  if (v.passed()) return;
  std::ostringstream text;
  text << file.string() << ": expected logits within " << v.bound
       << " of the largest one of the network that was exported, got a difference of "
       << v.relative_difference << " (" << v.largest_difference << " absolute, largest logit "
       << v.largest_logit << ") over " << v.images << " images in " << v.engine << " " << v.version;
  throw CheckFailed(text.str());
}

}  // namespace lathe::supernet
