#include "supernet/training/metrics.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/json_io.hpp"
#include "supernet/training/safetensors.hpp"
#include "supernet/training/train_state.hpp"
#include "tests/supernet/image_files.hpp"
#include "tests/supernet/refusal.hpp"
#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>

using namespace lathe;
using namespace lathe::supernet;
using lathe::test::Refusal;
using lathe::test::TempFolder;
using lathe::test::unlike;
namespace fs = std::filesystem;

namespace {

/// Two phases of two epochs of 10 steps, where training stands in the second epoch of the second.
const TrainPlan kPlan{{{"full", 2}, {"width", 2}}, 10};
const std::string kRows =
    "phase,epoch,step,subnet,loss,accuracy\n"
    "full,1,10,largest,1.5,0.25\n"
    "full,2,20,largest,1.25,0.5\n"
    "width,1,30,largest,1.0,0.75\n"
    "width,1,30,smallest,1.0,0.5\n";

TrainState in_second_phase() {
  TrainState state;
  state.phase = 1;
  state.entered = true;
  state.epoch = 1;
  state.epoch_step = 3;
  state.step = 33;
  state.epoch_loss = 2.5;
  state.teacher = "checkpoints/000020.safetensors";
  state.phase_ends = {"checkpoints/000020.safetensors"};
  state.metrics_bytes = std::int64_t(kRows.size());
  return state;
}

}  // namespace

TEST_CASE("metrics.csv has one row per network and drops what follows the checkpoint",
          "[supernet][training]") {
  const TempFolder folder;
  const auto file = folder.path() / "metrics.csv";
  const TrainPlan plan{{{"full", 3}}, 70};
  TrainState state;
  state.epoch = 1;
  Metrics metrics(file);
  metrics.add({"full", 1, 70, "largest", 1.5, 0.25});
  state.metrics_bytes = metrics.bytes();
  metrics.add({"full", 2, 140, "largest", 0.1, 1.0 / 3});
  metrics.write();
  CHECK(read_file(file) ==
        "phase,epoch,step,subnet,loss,accuracy\n"
        "full,1,70,largest,1.5,0.25\n"
        "full,2,140,largest,0.1,0.3333333333333333\n");
  Metrics(file, state, plan).write();
  CHECK(read_file(file) == "phase,epoch,step,subnet,loss,accuracy\nfull,1,70,largest,1.5,0.25\n");
  const fs::path none = folder / "nine.csv";
  CHECK_THROWS_AS(Metrics(none, state, plan), FormatError);
}

TEST_CASE("a metrics.csv that was changed is refused on resume, by line", "[supernet][training]") {
  const TempFolder folder;
  const TrainState state = in_second_phase();
  const std::string file = (folder / "metrics.csv").string();
  const auto resumed = [&](const std::string& text, TrainState at) {
    folder.write("metrics.csv", text);
    return Metrics(file, at, kPlan);
  };
  CHECK(resumed(kRows + "width,2,40,largest,9,0.1", state).bytes() == state.metrics_bytes);
  const auto changed = [&](const std::string& from, const std::string& to, const Refusal& refusal) {
    std::string text = kRows;
    text.replace(text.find(from), from.size(), to);
    TrainState at = state;
    at.metrics_bytes = std::int64_t(text.size());
    const std::string difference = unlike(refusal, ExitCode::input, [&] { resumed(text, at); });
    return read_file(file) == text ? difference : "the file was changed";
  };
  const std::string remedy = "the file was changed since", row = "phase, epoch, step, subnet, loss";
  const auto line = [&](int number) { return file + ": line " + std::to_string(number); };
  CHECK(changed("phase", "Phase", {line(1), "the titles phase,epoch", "\"Phase,", remedy}) == "");
  for (const char* bad :
       {"", "full,1,10,largest,1.5", "full,1,10,largest,1.5,0.25,7", "full,1.0,10,largest,1.5,0.25",
        "full,1,1e1,largest,1.5,0.25", "full,-1,10,largest,1.5,0.25", "full,1,10,largest,nan,0.25",
        "full,1,10,largest,inf,0.25", "full,1,10,largest,1e999,0.25", "full,1,10,largest,1.5,1.25",
        "full,1,10,largest,1.5,-0.25", "full,1,10,largest,1.50,0.25", "full,1,10,largest,1.5,true",
        "full,1,99999999999999999999,largest,1.5,0.25", ",1,10,largest,1.5,0.25",
        "full,1,10,,1.5,0.25", "full,1,10,largest, 1.5,0.25", "\xff"}) {
    INFO(bad);
    const std::string quoted = quote(bad);
    CHECK(changed("full,1,10,largest,1.5,0.25", bad, {line(2), row, quoted, remedy}) == "");
  }
  const std::string second = "full,2,20,largest,1.25,0.5\n";
  CHECK(changed(second, "",
                {line(3), "full, epoch 2, step 20 of largest", "\"width\", epoch 1, step 30",
                 remedy}) == "");
  CHECK(changed(second, second + second,
                {line(4), "width, epoch 1, step 30 of largest", "\"full\", epoch 2", remedy}) ==
        "");
  CHECK(changed("width,1,30,smallest", "width,1,31,smallest",
                {line(5), "width, epoch 1, step 30", "\"width\", epoch 1, step 31", remedy}) == "");
  CHECK(changed("full,2,20", "fall,2,20",
                {line(3), "full, epoch 2", "\"fall\", epoch 2", remedy}) == "");
  CHECK(changed("width,1,30,smallest", "width,2,40,largest",
                {line(5), "no row after step 30", "\"width\", epoch 2", remedy}) == "");
  CHECK(changed("width,1,30,largest,1.0,0.75\nwidth,1,30,smallest,1.0,0.5\n", "",
                {line(4), "width, epoch 1, step 30", "the end of the rows", remedy}) == "");

  const auto cut_to = [&](std::int64_t bytes, const Refusal& refusal) {
    TrainState at = state;
    at.metrics_bytes = bytes;
    return unlike(refusal, ExitCode::input, [&] { resumed(kRows, at); });
  };
  CHECK(cut_to(state.metrics_bytes + 1,
               {file, "the " + std::to_string(kRows.size() + 1) + " bytes that the checkpoint",
                std::to_string(kRows.size()), remedy}) == "");
  CHECK(cut_to(state.metrics_bytes - 1,
               {line(5), "a line end", "\"width,1,30,smallest,1.0,0.5\"", remedy}) == "");
  CHECK(cut_to(3, {line(1), "the titles", "\"pha\"", remedy}) == "");
  CHECK(cut_to(0, {line(2), "full, epoch 1, step 10", "the end of the rows", remedy}) == "");
  for (std::size_t size = 1; size < kRows.size(); size *= 2) {
    INFO("cut to " << size);
    CHECK(unlike({file, "", "", remedy}, ExitCode::input,
                 [&] { resumed(kRows.substr(0, size), state); }) == "");
  }
  fs::remove(file);
  fs::create_directory(file);
  CHECK(unlike({file, "a file that can be read", "a folder", "name a file"}, ExitCode::input,
               [&] { Metrics(file, state, kPlan); }) == "");
}

TEST_CASE("a state that no run of the plan saves is refused by key", "[supernet][checkpoint]") {
  REQUIRE_NOTHROW(check_state(in_second_phase(), kPlan, "c"));
  REQUIRE_NOTHROW(check_state(TrainState(), kPlan, "c"));
  const auto changed = [](const char* key, const nlohmann::json& value, const std::string& expected,
                          const std::string& found) {
    nlohmann::json state = to_json(in_second_phase());
    state[key] = value;
    return unlike({std::string("c: /") + key, expected, found, "the checkpoint is not of this run"},
                  ExitCode::input, [&] { check_state(train_state(state, "c"), kPlan, "c"); });
  };
  constexpr int most = 2147483647;
  CHECK(changed("phase", 3, "at most 2", "3") == "");
  CHECK(changed("phase", most, "at most 2", "2147483647") == "");
  CHECK(changed("epoch", 2, "less than 2", "2") == "");
  CHECK(changed("epoch", most, "less than 2", "2147483647") == "");
  CHECK(changed("epoch_step", 10, "less than 10", "10") == "");
  CHECK(changed("entered", false, "true", "false") == "");
  CHECK(changed("step", 34, "33", "34") == "");
  CHECK(changed("phase_ends", nlohmann::json::array(), "1 names", "0") == "");
  CHECK(changed("teacher", "../../secret.safetensors", "a checkpoint at a phase's end, or none",
                "\"../../secret.safetensors\"") == "");
  const auto whole = [](TrainState state) {
    try {
      check_state(state, kPlan, "c");
    } catch (const FormatError& error) {
      return std::string(error.what());
    }
    return std::string("taken");
  };
  TrainState done;
  done.phase = 2;
  done.step = 40;
  done.phase_ends = {"checkpoints/000020.safetensors", "checkpoints/000040.safetensors"};
  CHECK(whole(done) == "taken");
  done.epoch = 1;
  CHECK_THAT(whole(done), ContainsSubstring("/epoch: expected less than 1, got 1"));
  done.epoch = 0;
  done.epoch_loss = 1;
  CHECK_THAT(whole(done), ContainsSubstring("/epoch_loss: expected 0, got 1"));
  done.epoch_loss = 0;
  done.phase_ends[0] = "checkpoints/000021.safetensors";
  CHECK_THAT(whole(done), ContainsSubstring("/phase_ends/0: expected checkpoints/000020") &&
                              ContainsSubstring("got \"checkpoints/000021.safetensors\""));
}

TEST_CASE("a state's keys are read strictly", "[supernet][checkpoint]") {
  const nlohmann::json good = to_json(in_second_phase());
  const auto refusal = [&](const nlohmann::json& state) {
    return unlike({"c.safetensors: ", "", "", ""}, ExitCode::input,
                  [&] { train_state(state, "c.safetensors"); });
  };
  for (const auto& [key, value] : good.items()) {
    INFO(key);
    nlohmann::json state = good;
    state.erase(key);
    CHECK(refusal(state) == "");
    for (const nlohmann::json& wrong :
         {nlohmann::json(), nlohmann::json::object(), nlohmann::json(-1), nlohmann::json(1e301),
          nlohmann::json::array({1})}) {
      state[key] = wrong;
      CHECK(refusal(state) == "");
    }
    state[key] = value.is_boolean() ? nlohmann::json(1) : nlohmann::json(true);
    CHECK(refusal(state) == "");
    if (value.is_number_integer()) {
      state[key] = 1.0;
      CHECK(refusal(state) == "");
      state[key] = std::uint64_t(1) << 63;
      CHECK(refusal(state) == "");
    }
  }
  nlohmann::json more = good;
  more["epochs"] = 1;
  CHECK_THROWS_WITH(train_state(more, "c"),
                    ContainsSubstring("did you mean") && ContainsSubstring("epoch"));
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
