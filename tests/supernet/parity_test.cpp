#include "spaces/base/json_io.hpp"
#include "spaces/cost.hpp"
#include "supernet/export/from_subnet.hpp"
#include "supernet/export/onnx_writer.hpp"
#include "supernet/export/onnxruntime.hpp"
#include "supernet/export/torchscript_writer.hpp"
#include "supernet/export/verify.hpp"
#include "supernet/extract.hpp"
#include "supernet/recalibrate.hpp"
#include "tests/supernet/export_graphs.hpp"
#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>
#include <torch/torch.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <utility>

using namespace lathe;
using namespace lathe::supernet;
namespace fs = std::filesystem;

namespace {

// What float32 itself may lose. Batch norm divides by the deviation of activations whose mean is
// larger, so every layer magnifies rounding; with random weights and images that is at its worst.
constexpr double kMostRounding = 5e-5;

fs::path scratch(const std::string& name) { return program_folder() / ("parity_test" + name); }

torch::Tensor random_batch(const spaces::Shape& input, int images, std::uint64_t seed) {
  std::vector<float> values;
  for (int i = 0; i < images; ++i) {
    const auto image = random_image(input, seed + static_cast<std::uint64_t>(i));
    values.insert(values.end(), image.begin(), image.end());
  }
  return torch::tensor(values).reshape({images, input.channels, input.height, input.width});
}

std::vector<float> row(const torch::Tensor& logits) {
  const torch::Tensor flat = logits.contiguous().reshape({-1});
  return {flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()};
}

/// Batch norm and kernel transforms away from 0, 1 and identity, so that a slice that took the
/// wrong channels or transform shows.
void disturb(const SupernetImpl& supernet) {
  const torch::NoGradGuard no_gradient;
  for (const ElasticSlot& slot : supernet.slots()) {
    for (const auto& [name, op] : slot.ops) {
      const OpParameters& p = op.parameters;
      for (const torch::Tensor& transform : p.transforms) {
        transform.add_(0.1 * torch::randn_like(transform));
      }
      if (!op.norm) continue;
      p.gamma.add_(0.1 * torch::randn_like(p.gamma));
      p.beta.add_(0.1 * torch::randn_like(p.beta));
      p.mean.add_(0.1 * torch::randn_like(p.mean));
      p.variance.mul_(0.75 + 0.5 * torch::rand_like(p.variance));
    }
  }
}

fs::path xnnpack_program() { return program_folder() / "run_xnnpack"; }

std::vector<float> xnnpack(const fs::path& onnx, const std::vector<float>& image) {
  const fs::path input = scratch("_image.json");
  write_file(input, nlohmann::json(image).dump());
  const std::string command =
      xnnpack_program().string() + " " + onnx.string() + " " + input.string();
  FILE* const pipe = popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string text;
  std::array<char, 4096> part{};
  for (std::size_t got = 0; (got = fread(part.data(), 1, part.size(), pipe)) > 0;) {
    text.append(part.data(), got);
  }
  REQUIRE(pclose(pipe) == 0);
  return nlohmann::json::parse(text).get<std::vector<float>>();
}

torch::Tensor tensor_of(const spaces::Shape& input, const std::vector<float>& image) {
  return torch::tensor(image).reshape({1, input.channels, input.height, input.width});
}

/// Relative difference, which has to be within the bound.
double checked(const std::string& engine, const Forward& run, const Expected& expected,
               double bound) {
  const Verification v = compare(engine, "", run, expected);
  CAPTURE(engine);
  CHECK(v.largest_logit > 0.01);
  CHECK(v.relative_difference <= bound);
  return v.relative_difference;
}

/// In double: what the network computes; float32 engines, LibTorch too, each round in their own
/// way.
Expected exact_logits(const Subnet& subnet, std::vector<std::vector<float>> images) {
  Expected expected;
  expected.images = std::move(images);
  const Subnet exact = subnet.to(torch::kDouble);
  for (const auto& image : expected.images) {
    const torch::Tensor x = tensor_of(subnet.net.input, image).to(torch::kDouble);
    expected.logits.push_back(row(exact.forward(x).to(torch::kFloat)));
  }
  return expected;
}

/// NaN, with a loud word, where an engine is not there.
double onnxruntime_column(const fs::path& onnx, const Expected& expected, double bound) {
  const auto library = find_onnxruntime();
  if (!library) {
    WARN("SKIPPED the ONNX Runtime column: " << onnxruntime_search_text());
    return std::numeric_limits<double>::quiet_NaN();
  }
  OnnxRuntimeModel model(*library, onnx);
  return checked(
      "onnxruntime", [&](const auto& x) { return model.run(x); }, expected, bound);
}
double xnnpack_column(const fs::path& onnx, const Expected& expected, double bound) {
  if (!fs::exists(xnnpack_program())) {
    WARN("SKIPPED the XNNPACK column: this build has no XNNPACK");
    return std::numeric_limits<double>::quiet_NaN();
  }
  return checked(
      "xnnpack", [&](const auto& x) { return xnnpack(onnx, x); }, expected, bound);
}

/// Prints one line of the table. The slice is compared with the extracted subnet; then batch norm
/// is recalibrated, and the others may differ from that subnet in double by kVerifyBound, or by
/// twice what LibTorch's own float32 does.
void check_network(const std::string& label, const SupernetImpl& supernet,
                   const spaces::SearchSpace& space, const spaces::Architecture& arch) {
  CAPTURE(label);
  const torch::NoGradGuard no_gradient;
  const spaces::NetworkSpec net = space.decode(arch);
  const std::vector<std::vector<float>> images = {random_image(net.input, 100),
                                                  random_image(net.input, 101)};
  Subnet subnet = extract(supernet, net);
  const auto in_torch = [&](const std::vector<float>& x) {
    return row(subnet.forward(tensor_of(net.input, x)));
  };
  const auto in_supernet = [&](const std::vector<float>& x) {
    return row(supernet.forward(tensor_of(net.input, x), net));
  };
  const double slice =
      checked("supernet", in_supernet, {images, {in_torch(images[0]), in_torch(images[1])}}, 1e-6);

  const std::vector<Batch> batches = {{random_batch(net.input, 16, 1), {}},
                                      {random_batch(net.input, 16, 50), {}}};
  CHECK(recalibrate(subnet, stream_of(batches)) == 32);
  const Expected expected = exact_logits(subnet, images);
  const double in_float = checked("torch", in_torch, expected, kMostRounding);
  const double bound = std::max(kVerifyBound, 2 * in_float);

  Graph graph = graph_of(subnet);
  const auto reference = [&](const std::vector<float>& x) { return run_reference(graph, x); };
  const double unfolded = checked("graph", reference, expected, bound);
  fold_batch_norm(graph);
  const double folded = checked("folded graph", reference, expected, bound);

  const fs::path onnx = scratch(".onnx"), script = scratch(".pt");
  write_file(onnx, onnx_bytes(graph, {}));
  write_torchscript(graph, script);
  TorchScriptModel model(script);
  const auto in_script = [&](const std::vector<float>& x) { return model.run(net.input, x); };
  std::printf("%-20s %8.2f M", label.c_str(), double(spaces::count(net).macs) / 1e6);
  for (const double column :
       {slice, in_float, unfolded, folded, onnxruntime_column(onnx, expected, bound),
        checked("torchscript", in_script, expected, bound),
        xnnpack_column(onnx, expected, bound)}) {
    std::printf(" %9.1e", column);
  }
  std::printf("\n");
}

}  // namespace

TEST_CASE("slice, subnet, graph and every engine compute the same logits",
          "[supernet][export][parity]") {
  std::printf(
      "largest difference / largest logit, 2 images; slice: from the extracted subnet,\n"
      "others: from the recalibrated subnet in double\n%-20s %10s",
      "network", "MACs");
  for (const char* column : {"slice", "torch", "graph", "folded", "ORT", "script", "XNNPACK"}) {
    std::printf(" %9s", column);
  }
  std::printf("\n");
  for (const char* name : {"tiny", "ofa-mbv3:resolution=64"}) {
    const spaces::SearchSpace space = load_space(name);
    torch::manual_seed(3);
    Supernet supernet(space.without_pins(), Rng(5));
    disturb(*supernet);
    supernet->eval();
    const std::string base = spaces::parse_space_name(name).base;
    Rng rng(23);
    check_network(base + " largest", *supernet, space, space.largest());
    check_network(base + " smallest", *supernet, space, space.smallest());
    check_network(base + " sampled", *supernet, space, space.sample(rng));
  }
}
