#include "spaces/base/error.hpp"
#include "spaces/base/json_io.hpp"
#include "supernet/export/onnxruntime.hpp"
#include "supernet/export/torchscript_writer.hpp"
#include "supernet/export/verify.hpp"
#include "tests/supernet/export_graphs.hpp"
#include "tests/support/catch.hpp"

#include <cstdio>
#include <filesystem>

using namespace lathe;
using namespace lathe::supernet;
namespace fs = std::filesystem;

namespace {

Graph folded(const std::string& name) {
  for (NamedGraph& entry : block_graphs()) {
    if (entry.name != name) continue;
    fold_batch_norm(entry.graph);
    return entry.graph;
  }
  throw LogicError("no graph " + name);
}

fs::path scratch(const std::string& name) { return program_folder() / name; }

}  // namespace

TEST_CASE("TorchScript's source reads like the network", "[supernet][export]") {
  CHECK(torchscript_source(folded("mbconv_no_expand")) ==
        "def forward(self, input: Tensor) -> Tensor:\n"
        "  b0_depthwise = torch.conv2d(input, self.b0_depthwise_weight, self.b0_depthwise_bias, "
        "[2, 2], [3, 3], [1, 1], 12)\n"
        "  b0_depthwise = torch.clamp(b0_depthwise, 0.0, 6.0)\n"
        "  b0_project = torch.conv2d(b0_depthwise, self.b0_project_weight, self.b0_project_bias, "
        "[1, 1], [0, 0], [1, 1], 1)\n"
        "  return torch.flatten(b0_project, 1)\n");
}

TEST_CASE("every op computes the same in TorchScript, written and read again",
          "[supernet][export][parity]") {
  double worst = 0;
  const std::vector<NamedGraph> all = block_graphs();
  for (const NamedGraph& entry : all) {
    CAPTURE(entry.name);
    Graph graph = entry.graph;
    fold_batch_norm(graph);
    const fs::path file = scratch("torchscript_test.pt");
    write_torchscript(graph, file);
    TorchScriptModel model(file);
    const auto run = [&](const std::vector<float>& x) { return model.run(graph.input, x); };
    const Verification v = compare(
        "torchscript", "", run,
        expected_by_reference(graph, {random_image(graph.input, 1), random_image(graph.input, 2)}));
    CHECK(v.largest_logit > 0.01);
    CHECK(v.relative_difference <= kVerifyBound);
    worst = std::max(worst, v.relative_difference);
  }
  std::printf("TorchScript: %zu models, largest relative difference %.2g\n", all.size(), worst);
}

TEST_CASE("bad TorchScript files are refused as ours", "[supernet][export]") {
  const Graph graph = folded("head");
  const fs::path file = scratch("torchscript_bad.pt");
  write_torchscript(graph, file);
  TorchScriptModel model(file);
  CHECK_THROWS_WITH(model.run({8, 6, 5}, random_image({8, 6, 5}, 1)),
                    ContainsSubstring("torchscript_bad.pt: expected a network for one image, got "
                                      "LibTorch's error \""));
  const std::string good = read_file(file);
  write_file(file, good.substr(0, good.size() / 2));
  CHECK_THROWS_WITH(TorchScriptModel(file),
                    ContainsSubstring("torchscript_bad.pt: expected a TorchScript file, got "
                                      "LibTorch's error \"") &&
                        !ContainsSubstring("frame #"));
  CHECK_THROWS_AS(TorchScriptModel(file), FormatError);
  write_file(file, "");
  CHECK_THROWS_AS(TorchScriptModel(file), FormatError);
  CHECK_THROWS_AS(TorchScriptModel(scratch("no_such.pt")), FormatError);

  Graph unfolded = block_graphs().front().graph;
  CHECK_THROWS_WITH(write_torchscript(unfolded, file), ContainsSubstring("b0.conv still has batch "
                                                                         "norm"));
  CHECK_THROWS_WITH(write_torchscript(graph, "no/such/folder/m.pt"),
                    ContainsSubstring("missing folder no/such/folder"));
}
