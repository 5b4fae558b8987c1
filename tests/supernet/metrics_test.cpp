#include "supernet/training/metrics.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/json_io.hpp"
#include "supernet/training/safetensors.hpp"
#include "supernet/training/train_state.hpp"
#include "tests/supernet/image_files.hpp"
#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>

using namespace lathe;
using namespace lathe::supernet;
using lathe::test::TempFolder;

TEST_CASE("metrics.csv has one row per network and drops what follows the checkpoint",
          "[supernet][training]") {
  const TempFolder folder;
  const auto file = folder.path() / "metrics.csv";
  Metrics metrics(file, 0);
  metrics.add({"full", 1, 70, "largest", 1.5, 0.25});
  const std::int64_t bytes = metrics.bytes();
  metrics.add({"full", 2, 140, "largest", 0.1, 1.0 / 3});
  metrics.write();
  CHECK(read_file(file) ==
        "phase,epoch,step,subnet,loss,accuracy\n"
        "full,1,70,largest,1.5,0.25\n"
        "full,2,140,largest,0.1,0.3333333333333333\n");
  Metrics(file, bytes).write();
  CHECK(read_file(file) == "phase,epoch,step,subnet,loss,accuracy\nfull,1,70,largest,1.5,0.25\n");
  CHECK_THROWS_WITH(Metrics(file, bytes + 1),
                    ContainsSubstring("metrics.csv: expected the header") &&
                        ContainsSubstring("can't be resumed"));
  CHECK_THROWS_AS(Metrics(folder.path() / "none.csv", 5), FormatError);
}

TEST_CASE("a training state comes back from its text", "[supernet][checkpoint]") {
  TrainState state;
  state.phase = 2;
  state.entered = true;
  state.epoch_loss = 0.1 + 0.2;
  state.phase_ends = {"checkpoints/000007.safetensors"};
  state.teacher = "checkpoints/000007.safetensors";
  state.metrics_bytes = 1234567890123;
  const nlohmann::json value = to_json(state);
  const std::string text = dump_json_line(value);
  CHECK(to_json(train_state(parse_json(text, "c", Comments::refused), "c")) == value);
  nlohmann::json wrong = value;
  wrong["epoch"] = -1;
  CHECK_THROWS_WITH(train_state(wrong, "c.safetensors"),
                    ContainsSubstring("c.safetensors") && ContainsSubstring("/epoch"));
  wrong = value;
  wrong.erase("step");
  CHECK_THROWS_AS(train_state(wrong, "c.safetensors"), FormatError);
}

TEST_CASE("the example of checkpoint.md is a checkpoint's header", "[supernet][checkpoint]") {
  const std::string page = read_file("docs/file-formats/checkpoint.md");
  const std::string open = "```json\n";
  const std::size_t begin = page.find(open) + open.size();
  const std::string header = page.substr(begin, page.find("```", begin) - begin);
  std::string bytes(8, '\0');
  bytes[0] = static_cast<char>(header.size() & 0xff);
  bytes[1] = static_cast<char>(header.size() >> 8);
  const TensorFile file = parse_safetensors(bytes + header + std::string(8, '\0'), "checkpoint.md");
  CHECK(file.find("classifier.linear.bias")->shape == std::vector<std::int64_t>{2});
  CHECK(file.metadata.at("format") == "lathe.checkpoint");
  const auto state = parse_json(file.metadata.at("state"), "state", Comments::refused);
  CHECK(train_state(state, "state").step == 70);
}
