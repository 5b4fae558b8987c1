// Every broken form of what an export writes.

#include "spaces/base/json_io.hpp"
#include "supernet/export/onnx_reader.hpp"
#include "supernet/export/sidecar.hpp"
#include "tests/supernet/export_graphs.hpp"
#include "tests/support/broken_files.hpp"
#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>

using namespace lathe;
using namespace lathe::supernet;
using test::BrokenFiles;
using test::BrokenText;
using test::Mutation;

TEST_CASE("every broken sidecar is refused", "[supernet][export][broken]") {
  BrokenFiles files{"sidecar.json", test::example_in("onnx-metadata.md", "json"),
                    [](const auto& file) { load_sidecar(file); }};
  // Milliseconds and names may be unknown; counts have 64 bits; differences have no upper limit.
  const std::vector<Mutation> large = {Mutation::huge, Mutation::unsigned64, Mutation::beyond};
  files.lawful = {{"/train_run", {Mutation::null}},
                  {"/search_run", {Mutation::null}},
                  {"/files/*/bytes", {Mutation::huge}},
                  {"/network/macs", {Mutation::huge}},
                  {"/network/params", {Mutation::huge}},
                  {"/network/peak_activation_bytes", {Mutation::huge}},
                  {"/seed", {Mutation::huge, Mutation::unsigned64}},
                  {"/input/mean/*", {Mutation::minus}},
                  {"/network/decisions", {Mutation::unknown, Mutation::misspelt}},
                  {"/network/decisions/*",
                   {Mutation::fraction, Mutation::text, Mutation::whole, Mutation::minus,
                    Mutation::huge, Mutation::minus_huge, Mutation::unsigned64, Mutation::beyond}}};
  for (const char* key : {"largest_difference", "largest_logit", "relative_difference", "bound"}) {
    files.lawful.push_back({std::string("/files/*/verification/") + key, large});
  }
  for (const char* key : {"budget_ms", "predicted_ms", "measured_ms", "measured_p90_ms"}) {
    files.lawful.push_back({std::string("/latency/*/") + key, large});
    files.lawful.push_back({std::string("/latency/*/") + key, {Mutation::null}});
  }
  test::check_broken_files(files);
}

TEST_CASE("every ONNX file that is cut off or overwritten somewhere is refused",
          "[supernet][export][broken]") {
  Graph graph = block_graphs().front().graph;
  fold_batch_norm(graph);
  const std::string bytes = onnx_bytes(graph, {});
  std::vector<BrokenText> broken = {{"", "opset"}, {"no model", "protobuf"}, {"{}", "protobuf"}};
  for (std::size_t size = 1; size < bytes.size(); size *= 2) {
    broken.push_back({bytes.substr(0, size), "expected"});
  }
  test::check_broken_texts(
      {"model.onnx", bytes, [](const auto& file) { read_onnx(read_file(file), file.string()); }},
      broken);
}
