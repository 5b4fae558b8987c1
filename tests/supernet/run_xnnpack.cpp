// Runs an ONNX file that lathe wrote in XNNPACK: a process of its own, because LibTorch exports
// another version of XNNPACK's thread pool under the same names.
// usage: run_xnnpack MODEL.onnx IMAGE.json     prints the logits as a JSON array

#include "latency/device/backend.hpp"
#include "spaces/base/error.hpp"
#include "spaces/base/json_io.hpp"
#include "supernet/export/onnx_reader.hpp"

#include <nlohmann/json.hpp>

#include <cstdio>

using namespace lathe;

int main(int argc, char** argv) try {
  if (argc != 3) throw ConfigError("usage: run_xnnpack MODEL.onnx IMAGE.json");
  const supernet::Graph graph = supernet::read_onnx(read_file(argv[1]), argv[1]).graph;
  const spaces::Plane image{graph.input,
                            load_json(argv[2], Comments::refused).get<std::vector<float>>()};
  const auto backend = latency::make_backend("xnnpack", 1);
  auto prepared = backend->prepare({graph.ops, graph.weights, graph.input}, image);
  if (const auto* failure = std::get_if<Failure>(&prepared)) throw DeviceError(failure->reason);
  latency::Prepared& network = *std::get<std::unique_ptr<latency::Prepared>>(prepared);
  if (const auto failure = network.run()) throw DeviceError(failure->reason);
  std::puts(nlohmann::json(network.output().values).dump().c_str());
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
