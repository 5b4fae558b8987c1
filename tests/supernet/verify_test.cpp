#include "supernet/export/verify.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/json_io.hpp"
#include "supernet/export/onnx_writer.hpp"
#include "supernet/export/onnxruntime.hpp"
#include "tests/supernet/export_graphs.hpp"
#include "tests/support/catch.hpp"

#include <cstdio>
#include <filesystem>
#include <limits>

using namespace lathe;
using namespace lathe::supernet;
namespace fs = std::filesystem;

namespace {

/// Beside the test's program; the ONNX checker's test reads the models there.
fs::path model_folder() {
  const fs::path folder = program_folder() / "onnx_models";
  fs::create_directories(folder);
  return folder;
}

/// Empty after a loud word where it is not installed.
std::optional<fs::path> library_or_warning() {
  auto library = find_onnxruntime();
  if (!library) WARN("SKIPPED, nothing was compared: " << onnxruntime_search_text());
  return library;
}

}  // namespace

TEST_CASE("differences are relative to the image's largest logit", "[supernet][export]") {
  const Expected expected = {{{1}, {2}}, {{4, -8}, {8, -16}}};
  const Forward off = [](const std::vector<float>& x) {
    return std::vector<float>{x[0] * 4 + 0.5f, -x[0] * 8};
  };
  const Verification v = compare("mine", "1.0", off, expected, 0.05);
  CHECK(v.images == 2);
  CHECK(v.largest_difference == 0.5);
  CHECK(v.largest_logit == 16);
  CHECK(v.relative_difference == 0.0625);  // of the first image: 0.5 / 8
  CHECK_FALSE(v.passed());
  CHECK_THROWS_WITH(
      require_passed(v, "m.onnx"),
      "m.onnx: expected logits within 0.05 of the largest one of the network that was exported, "
      "got a difference of 0.0625 (0.5 absolute, largest logit 16) over 2 images in mine 1.0");
  CHECK_THROWS_AS(require_passed(v, "m.onnx"), CheckFailed);
  const Forward right = [](const std::vector<float>& x) {
    return std::vector<float>{x[0] * 4, -x[0] * 8};
  };
  CHECK(compare("mine", "1.0", right, expected).passed());
}

TEST_CASE("not a number and another length never pass", "[supernet][export]") {
  const auto passes = [](const std::vector<float>& written, const std::vector<float>& expected) {
    const auto run = [&](const std::vector<float>&) { return written; };
    return compare("e", "1", run, {{{0}}, {expected}}).passed();
  };
  const float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(passes({0, 1}, {0, 1}));
  CHECK(passes({0}, {0}));
  CHECK_FALSE(passes({nan}, {1}));
  CHECK_FALSE(passes({1}, {nan}));
  CHECK_FALSE(passes({nan}, {nan}));
  CHECK_FALSE(passes({1}, {1, 1}));
  CHECK_FALSE(passes({1e-9f}, {0}));
  CHECK_THROWS_AS(compare("e", "1", nullptr, {}), LogicError);
}

TEST_CASE("every op and network computes the same in ONNX Runtime", "[supernet][export][parity]") {
  const auto library = library_or_warning();
  std::vector<NamedGraph> all = block_graphs();
  for (NamedGraph& entry : network_graphs()) all.push_back(std::move(entry));
  double worst = 0;
  for (NamedGraph& entry : all) {
    CAPTURE(entry.name);
    fold_batch_norm(entry.graph);
    const fs::path file = model_folder() / (entry.name + ".onnx");
    write_file(file, onnx_bytes(entry.graph, {{"lathe.network", entry.name}}));
    if (!library) continue;
    const Expected expected = expected_by_reference(
        entry.graph, {random_image(entry.graph.input, 1), random_image(entry.graph.input, 2)});
    const Verification v = verify_onnx(file, library, expected);
    CHECK(v.engine == "onnxruntime");
    CHECK(v.largest_logit > 0.01);
    CHECK(v.relative_difference <= kVerifyBound);
    worst = std::max(worst, v.relative_difference);
  }
  if (library) {
    std::printf("ONNX Runtime: %zu models, largest relative difference %.2g\n", all.size(), worst);
  }
}

TEST_CASE("without ONNX Runtime the file is read back and run by the reference",
          "[supernet][export]") {
  Graph graph = block_graphs().front().graph;
  fold_batch_norm(graph);
  const fs::path file = model_folder() / "reread.onnx";
  write_file(file, onnx_bytes(graph, {}));
  Expected expected = expected_by_reference(graph, {random_image(graph.input, 1)});
  const Verification same = verify_onnx(file, std::nullopt, expected);
  CHECK(same.engine == "reference");
  CHECK(same.relative_difference == 0);

  expected.logits[0][0] += 1;  // the file does not say what the network computes
  CHECK_FALSE(verify_onnx(file, std::nullopt, expected).passed());
  if (const auto library = library_or_warning()) {
    CHECK_FALSE(verify_onnx(file, library, expected).passed());
  }
}

TEST_CASE("ONNX Runtime's refusals carry its words and our file", "[supernet][export]") {
  CHECK_THROWS_WITH(OnnxRuntimeModel("/no/libonnxruntime.so", "m.onnx"),
                    ContainsSubstring("/no/libonnxruntime.so: expected ONNX Runtime's shared "
                                      "library") &&
                        ContainsSubstring("No such file"));
  CHECK_THROWS_WITH(OnnxRuntimeModel("libdl.so.2", "m.onnx"),
                    ContainsSubstring("a library without OrtGetApiBase"));
  CHECK_THAT(onnxruntime_search_text("/somewhere"),
             ContainsSubstring("is not in /somewhere,") && ContainsSubstring("pip install"));

  const auto library = library_or_warning();
  if (!library) return;
  CHECK_THROWS_WITH(OnnxRuntimeModel(*library, "no/m.onnx"),
                    ContainsSubstring("no/m.onnx: expected an ONNX file, got no such file"));
  const fs::path folder = model_folder().parent_path();
  const fs::path junk = folder / "junk.bin";
  write_file(junk, "this is no model");
  CHECK_THROWS_WITH(OnnxRuntimeModel(*library, junk),
                    ContainsSubstring("junk.bin: expected a model that ONNX Runtime") &&
                        ContainsSubstring("its error \""));

  Graph graph = block_graphs().front().graph;
  fold_batch_norm(graph);
  const fs::path file = folder / "one.bin";
  write_file(file, onnx_bytes(graph, {}));
  OnnxRuntimeModel model(*library, file);
  CHECK(model.input() == graph.input);
  CHECK_THAT(model.version(), ContainsSubstring("1."));
  CHECK_THROWS_WITH(model.run({1, 2}), ContainsSubstring("expected an image of 588 values, got 2"));
}

TEST_CASE("the library is found beside the program, then in .venv above it", "[supernet][export]") {
  const fs::path root = fs::temp_directory_path() / "lathe_find_onnxruntime";
  fs::remove_all(root);
  const fs::path folder = root / "build" / "core";
  fs::create_directories(folder);
  const fs::path capi = root / ".venv/lib/python3.11/site-packages/onnxruntime/capi";
  fs::create_directories(capi);
  write_file(capi / "libonnxruntime.so.1.9.0", "");
  write_file(capi / "libonnxruntime_providers_shared.so", "");
  CHECK(find_onnxruntime(folder) == capi / "libonnxruntime.so.1.9.0");
  write_file(folder / "libonnxruntime.so.1", "");
  CHECK(find_onnxruntime(folder) == folder / "libonnxruntime.so.1");
  fs::remove_all(root);
}
