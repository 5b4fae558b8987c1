#include "spaces/base/error.hpp"
#include "spaces/base/json_io.hpp"
#include "spaces/base/run_dir.hpp"
#include "supernet/export/onnx_reader.hpp"
#include "supernet/export/onnx_writer.hpp"
#include "tests/supernet/export_graphs.hpp"
#include "tests/support/catch.hpp"

using namespace lathe;
using namespace lathe::supernet;

namespace {

Graph folded(Graph graph) {
  fold_batch_norm(graph);
  return graph;
}

/// conv (2 -> 1 channel, 1x1, bias, relu6) on one pixel, then a linear layer without bias.
Graph two_ops() {
  spaces::BlockSpec conv, linear;
  conv.in = {{1, 1, 2}};
  conv.out_channels = 1;
  conv.act = spaces::Act::relu6;
  conv.body = spaces::Conv{1, 1, false, true};
  linear.in = {{1, 1, 1}};
  linear.out_channels = 2;
  linear.body = spaces::Linear{false};
  spaces::OpWeights a, b;
  a.weight = {1, -2};
  a.bias = {0.5f};
  b.weight = {3, 4};
  return make_graph(chain({1, 1, 2}, {conv, linear}), {"stem", "classifier"}, {a, b}, 1e-5);
}

std::string replaced(std::string bytes, const std::string& from, const std::string& to) {
  const std::size_t at = bytes.find(from);
  REQUIRE(at != std::string::npos);
  return bytes.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("a graph's names are slot and op, its sizes are checked", "[supernet][export]") {
  const Graph graph = two_ops();
  CHECK(graph.names == std::vector<std::string>{"stem.conv", "classifier.linear"});
  // 1 * 0.25 - 2 * -1 + 0.5 = 2.75; times 3 and 4.
  CHECK(run_reference(graph, {0.25f, -1}) == std::vector<float>{8.25f, 11});

  spaces::BlockSpec conv;
  conv.in = {{1, 1, 2}};
  conv.out_channels = 3;
  conv.body = spaces::Conv{1, 1, false, false};
  CHECK_THROWS_WITH(make_graph(chain({1, 1, 2}, {conv}), {"stem"}, {}, 1e-5),
                    ContainsSubstring("expected weights of 1 ops, got 0"));
  CHECK_THROWS_WITH(make_graph(chain({1, 1, 2}, {conv}), {}, {{}}, 1e-5),
                    ContainsSubstring("no name for slot 0"));
  CHECK_THROWS_WITH(make_graph(chain({1, 1, 2}, {conv}), {"stem"}, {{}}, 1e-5),
                    ContainsSubstring("stem.conv.weight: expected 6 values, got 0"));
}

TEST_CASE("an op and its weights are written as onnx.proto says", "[supernet][export]") {
  const std::string bytes = onnx_bytes(two_ops(), {{"lathe.space", "tiny"}});
  // ir_version 8, producer_name "lathe", producer_version.
  const std::string version = build_info().version;
  CHECK(bytes.substr(0, 9) == "\x08\x08\x12\x05lathe");
  CHECK(bytes.substr(9, 2) == "\x1a" + std::string(1, static_cast<char>(version.size())));
  // The first node: input, weight, bias, output, name, op_type.
  CHECK(bytes.find("\x0a\x05input\x0a\x10stem.conv.weight\x0a\x0estem.conv.bias\x12\x09stem.conv"
                   "\x1a\x09stem.conv\"\x04"
                   "Conv") != std::string::npos);
  // The bias: dims 1, type float, its name, four bytes 0.5f.
  CHECK(bytes.find(std::string("\x08\x01\x10\x01") + "B\x0estem.conv.bias" +
                   std::string("J\x04\0\0\0\x3f", 6)) != std::string::npos);
  // At the end: opset_import {"" , 17} and the metadata.
  CHECK(bytes.find(std::string("B\x04\x0a\0\x10\x11", 6) +
                   "r\x13\x0a\x0blathe.space\x12\x04tiny") == bytes.size() - 27);
  CHECK(onnx_bytes(two_ops(), {{"lathe.space", "tiny"}}) == bytes);
}

TEST_CASE("whatever is written is read back as the same graph", "[supernet][export]") {
  for (const NamedGraph& entry : block_graphs()) {
    CAPTURE(entry.name);
    const Graph graph = folded(entry.graph);
    const OnnxFile file = read_onnx(onnx_bytes(graph, {{"a", "b"}, {"c", ""}}), entry.name);
    CHECK(file.producer == "lathe");
    CHECK(file.producer_version == build_info().version);
    CHECK(file.metadata == OnnxMetadata{{"a", "b"}, {"c", ""}});
    CHECK(file.graph.input == graph.input);
    CHECK(file.graph.names == graph.names);
    REQUIRE(file.graph.ops.size() == graph.ops.size());
    for (std::size_t i = 0; i < graph.ops.size(); ++i) {
      CAPTURE(graph.names[i]);
      const spaces::Op &a = file.graph.ops[i], &b = graph.ops[i];
      CHECK(a.kind == b.kind);
      CHECK(a.inputs == b.inputs);
      CHECK(a.in == b.in);
      CHECK(a.out == b.out);
      CHECK(a.kernel.height == b.kernel.height);
      CHECK(a.kernel.width == b.kernel.width);
      CHECK(a.stride.height == b.stride.height);
      CHECK(a.stride.width == b.stride.width);
      CHECK(a.groups == b.groups);
      CHECK(a.bias == b.bias);
      CHECK(a.act == b.act);
      CHECK(file.graph.weights[i].weight == graph.weights[i].weight);
      CHECK(file.graph.weights[i].bias == graph.weights[i].bias);
    }
    const std::vector<float> image = random_image(graph.input, 3);
    CHECK(run_reference(file.graph, image) == run_reference(graph, image));
  }
}

TEST_CASE("folding batch norm changes rounding only", "[supernet][export]") {
  for (const NamedGraph& entry : block_graphs()) {
    CAPTURE(entry.name);
    const Graph graph = folded(entry.graph);
    for (const spaces::Op& op : graph.ops) CHECK_FALSE(op.norm);
    const std::vector<float> image = random_image(graph.input, 5);
    const std::vector<float> a = run_reference(entry.graph, image), b = run_reference(graph, image);
    REQUIRE(a.size() == b.size());
    for (std::size_t i = 0; i < a.size(); ++i)
      CHECK(a[i] == Approx(b[i]).epsilon(1e-5).margin(1e-5));
  }
}

TEST_CASE("a graph with batch norm is not written", "[supernet][export]") {
  CHECK_THROWS_WITH(onnx_bytes(block_graphs().front().graph, {}),
                    ContainsSubstring("b0.conv still has batch norm"));
}

TEST_CASE("files that we did not write are refused by node and reason", "[supernet][export]") {
  const auto text_of = [](const std::string& bytes) -> std::string {
    try {
      read_onnx(bytes, "x.onnx");
    } catch (const FormatError& error) {
      return error.what();
    }
    return "accepted";
  };
  const std::string good = onnx_bytes(two_ops(), {});
  CHECK(text_of(good) == "accepted");
  CHECK(text_of(replaced(good,
                         "\"\x04"
                         "Conv",
                         "\"\x04"
                         "Cool")) ==
        "x.onnx: node stem.conv: expected an operator that lathe writes, got Cool; only files that "
        "lathe wrote can be read");
  CHECK_THAT(text_of(replaced(good, "\x0a\x05input\x0a\x10", "\x0a\x05inptu\x0a\x10")),
             ContainsSubstring("node stem.conv: expected an earlier node's output, got inptu"));
  CHECK_THAT(text_of(replaced(good, "stem.conv.bias", "stem.conv.blas")),
             ContainsSubstring("node stem.conv: expected an initialiser, got stem.conv.blas"));
  CHECK_THAT(text_of(replaced(good, std::string("\x10\x11", 2), std::string("\x10\x12", 2))),
             ContainsSubstring("x.onnx: expected opset 17, got 18"));
  CHECK_THAT(text_of(""), ContainsSubstring("expected opset 17, got 0"));
  CHECK_THAT(text_of(good.substr(0, good.size() - 3)),
             ContainsSubstring("x.onnx: expected a protobuf message"));
  // Every truncation and every flipped byte is refused or read, never a crash.
  for (std::size_t i = 0; i < good.size(); ++i) {
    text_of(good.substr(0, i));
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x5a);
    text_of(bad);
  }
}
