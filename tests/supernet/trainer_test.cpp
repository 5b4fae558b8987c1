#include "supernet/training/trainer.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/hash.hpp"
#include "spaces/base/json_io.hpp"
#include "supernet/training/checkpoint.hpp"
#include "supernet/training/trained_run.hpp"
#include "tests/supernet/training_run.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/recording_sink.hpp"

#include <torch/torch.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>

using namespace lathe;
using namespace lathe::supernet;
using namespace lathe::test;
using nlohmann::json;

namespace {

std::vector<std::string> train_to_end(const TrainingBench& bench, const std::string& name,
                                      const json& config, EventSink& sink) {
  RunDir run = bench.open(name, config);
  auto outputs = train(bench.read(config), run, bench.configs(), sink);
  run.close("complete", outputs);
  return outputs;
}

/// The words of the error that training ends with.
template <typename ErrorType>
std::string failure(const TrainingBench& bench, const std::string& name, const json& config) {
  RecordingSink sink;
  try {
    RunDir run = bench.open(name, config);
    train(bench.read(config), run, bench.configs(), sink);
  } catch (const ErrorType& error) {
    return error.what();
  }
  return "trained";
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> all;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) all.push_back(line);
  return all;
}

std::vector<std::string> names_in(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

/// The whole run that others are compared with, made once.
struct Reference {
  TrainingBench bench;
  RecordingSink sink;
  std::vector<std::string> outputs = train_to_end(bench, "whole", bench.config(), sink);
};
const Reference& reference() {
  static const Reference kReference;
  return kReference;
}

// 90 training images in batches of 16: 5 steps an epoch, 20 + 10 + 10 in the phases.
constexpr int kSteps = 40;

}  // namespace

TEST_CASE("training goes through its phases and learns", "[supernet][training]") {
  const Reference& r = reference();
  const auto folder = r.bench.path("whole");
  CHECK(r.outputs == std::vector<std::string>{
                         "metrics.csv", "split.json", "checkpoints/000020.safetensors",
                         "checkpoints/000030.safetensors", "checkpoints/000040.safetensors"});
  CHECK(names_in(folder / "checkpoints") ==
        std::vector<std::string>{"000020.safetensors", "000030.safetensors", "000040.safetensors"});
  const auto rows = lines(read_file(folder / "metrics.csv"));
  CHECK(rows[0] == "phase,epoch,step,subnet,loss,accuracy");
  // In the first phase all three probes are one network.
  REQUIRE(rows.size() == 1 + 4 * 1 + 2 * 3 + 2 * 3);
  CHECK(rows[1].rfind("full,1,5,largest,", 0) == 0);
  CHECK(rows[6].rfind("shapes,1,25,smallest,", 0) == 0);
  CHECK(rows.back().rfind("width,2,40,random,", 0) == 0);
  CHECK(std::stod(rows[rows.size() - 3].substr(rows[rows.size() - 3].rfind(',') + 1)) > 0.9);
  CHECK(lines(read_file(folder / "timing.csv")).size() == 1 + 8);
  CHECK(r.sink.events("train.start").size() == 1);
  CHECK(r.sink.events("train.phase").size() == 3);
  CHECK(r.sink.events("train.phase")[2].fields["teacher"] == "checkpoints/000020.safetensors");
  REQUIRE(r.sink.events("train.epoch").size() == 8);
  const auto last = r.sink.events("train.epoch")[7].fields;
  CHECK(last["accuracy"].contains("smallest"));
  CHECK(last["images_per_second"].get<double>() > 0);
  // The tenth of ten steps: 0.02 (1 + cos(0.9 pi)) / 2. The first epoch warms up to 0.05.
  CHECK(last["lr"].get<double>() == Approx(0.000489435));
  CHECK(r.sink.events("train.epoch")[0].fields["lr"] == 0.05);
  const auto progress = r.sink.progress_reports();
  REQUIRE(progress.size() == kSteps);
  CHECK(progress.back().done == Approx(progress.back().total));
  for (std::size_t i = 1; i < progress.size(); ++i) CHECK(progress[i].done > progress[i - 1].done);
  const json split = load_json(folder / "split.json", Comments::refused);
  CHECK(split["validation"].size() == 30);
  CHECK(split["train_images"] == 90);
}

TEST_CASE("a stop anywhere and a resume give the bytes of a run without", "[supernet][training]") {
  const Reference& r = reference();
  const std::string last = "checkpoints/000040.safetensors";
  // Within the first epoch, at an epoch's end, within the phases, after a phase's first step, at
  // the very end.
  for (const int stop_at : {3, 10, 22, 20, 31, 37, 40}) {
    INFO("stopped after step " << stop_at);
    const std::string name = "stopped" + std::to_string(stop_at);
    const json config = r.bench.config();
    {
      StoppingSink sink(stop_at);
      RunDir run = r.bench.open(name, config);
      CHECK_THROWS_WITH(train(r.bench.read(config), run, r.bench.configs(), sink),
                        ContainsSubstring("stopped after step " + std::to_string(stop_at)) &&
                            ContainsSubstring("--resume"));
      run.close("interrupted", {});
    }
    // A crash later on would have left more rows.
    std::ofstream(r.bench.path(name) / "metrics.csv", std::ios::app) << "full,9,99,largest,1,0.5\n";
    RecordingSink sink;
    CHECK(train_to_end(r.bench, name, config, sink) == r.outputs);
    for (const std::string& file : r.outputs)
      CHECK(sha256_of_file(r.bench.path(name) / file) ==
            sha256_of_file(r.bench.path("whole") / file));
    CHECK(names_in(r.bench.path(name) / "checkpoints") ==
          names_in(r.bench.path("whole") / "checkpoints"));
  }
}

TEST_CASE("a killed run loses what came after its last checkpoint and no more",
          "[supernet][training]") {
  struct KillingSink : RecordingSink {
    void progress(const Progress&) override {
      if (++steps == 23) ::kill(::getpid(), SIGKILL);
    }
    int steps = 0;
  };
  const Reference& r = reference();
  const json config = r.bench.config();
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    KillingSink sink;
    RunDir run = r.bench.open("killed", config);
    train(r.bench.read(config), run, r.bench.configs(), sink);
    std::_Exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  CHECK(newest_checkpoint(r.bench.path("killed")).value() == "checkpoints/000020.safetensors");
  RecordingSink sink;
  CHECK(train_to_end(r.bench, "killed", config, sink) == r.outputs);
  CHECK(sink.progress_reports().size() == 20);
  for (const std::string& file : r.outputs)
    CHECK(sha256_of_file(r.bench.path("killed") / file) ==
          sha256_of_file(r.bench.path("whole") / file));
}

TEST_CASE("checkpoints at other times change nothing in the end", "[supernet][training]") {
  const Reference& r = reference();
  TrainingBench bench;
  json config = bench.config();
  config["checkpoint_every"] = 3;
  config["checkpoint_interval"] = "1s";
  RecordingSink sink;
  CHECK(train_to_end(bench, "rare", config, sink) == r.outputs);
  CHECK(read_file(bench.path("rare") / "metrics.csv") ==
        read_file(r.bench.path("whole") / "metrics.csv"));
}

TEST_CASE("the sandwich rule trains the smallest in every step, and resumes to the same bytes",
          "[supernet][training]") {
  const TrainingBench bench;
  json config = bench.config();
  json& phases = config["phases"];
  phases.erase(1);
  phases[1].erase("distillation");
  phases[1]["sandwich"] = true;
  phases[1]["subnets_per_step"] = 3;
  phases[1]["clip_gradients"] = 1.0;
  RecordingSink sink;
  const auto outputs = train_to_end(bench, "sandwich", config, sink);
  CHECK(sink.events("train.phase").back().fields["teacher"] == "");
  const auto rows = lines(read_file(bench.path("sandwich") / "metrics.csv"));
  const std::string& smallest = rows[rows.size() - 2];
  REQUIRE(smallest.find(",smallest,") != std::string::npos);
  CHECK(std::stod(smallest.substr(smallest.rfind(',') + 1)) > 0.9);
  {
    StoppingSink stopping(23);
    RunDir run = bench.open("stopped", config);
    CHECK_THROWS_AS(train(bench.read(config), run, bench.configs(), stopping), Interrupted);
    run.close("interrupted", {});
  }
  train_to_end(bench, "stopped", config, sink);
  for (const std::string& file : outputs)
    CHECK(sha256_of_file(bench.path("stopped") / file) ==
          sha256_of_file(bench.path("sandwich") / file));
}

TEST_CASE("another seed gives other weights", "[supernet][training]") {
  const Reference& r = reference();
  json config = r.bench.config();
  config["seed"] = 6;
  RecordingSink sink;
  train_to_end(r.bench, "seed6", config, sink);
  CHECK(read_file(r.bench.path("seed6") / "metrics.csv") !=
        read_file(r.bench.path("whole") / "metrics.csv"));
}

TEST_CASE("a trained run opens with the accuracy that its metrics say", "[supernet][training]") {
  const Reference& r = reference();
  const TrainedRun run = load_supernet(r.bench.path("whole"), r.bench.configs());
  CHECK(run.checkpoint == "checkpoints/000040.safetensors");
  const auto net = run.space.decode(run.space.largest());
  const double accuracy =
      judge(*run.supernet, net, run.data, run.config, Part::validation, torch::kCPU);
  const auto rows = lines(read_file(r.bench.path("whole") / "metrics.csv"));
  const std::string& row = rows[rows.size() - 3];
  CHECK(accuracy == std::stod(row.substr(row.rfind(',') + 1)));

  const auto images = normalised_images(run.data, Part::test, 8, 4);
  REQUIRE(images.size() == 4);
  REQUIRE(images[0].size() == 3 * 8 * 8);
  const Batch batch = *judging_stream(run.data, Part::test, 8, torch::kCPU)();
  CHECK(batch.images.size(0) == 30);
  CHECK(batch.images[2][1][3][5].item<float>() == images[2][64 + 3 * 8 + 5]);
  CHECK(normalised_images(run.data, Part::validation, 8, 1000).size() == 30);
}

TEST_CASE("a run that can't be opened says what is wrong", "[supernet][training]") {
  TrainingBench bench;
  json config = bench.config();
  RunDir run = bench.open("empty", config);
  CHECK_THROWS_WITH(load_supernet(bench.path("empty"), bench.configs()),
                    ContainsSubstring("empty: expected a checkpoint in checkpoints/, got none"));
  CHECK_THROWS_AS(load_supernet(bench.path("nothing"), bench.configs()), FormatError);
}

TEST_CASE("images that changed since are refused", "[supernet][training]") {
  TrainingBench bench;
  const json config = bench.config();
  {
    StoppingSink sink(1);
    RunDir run = bench.open("run", config);
    CHECK_THROWS_AS(train(bench.read(config), run, bench.configs(), sink), Interrupted);
    run.close("interrupted", {});
  }
  write_file(bench.path("images.tar"), archive_bytes(toy_members(3, 41, 10, 12), "ustar", "none"));
  CHECK_THAT(failure<FormatError>(bench, "run", config),
             ContainsSubstring("images.tar: expected the data with which the run began"));
  CHECK_THROWS_WITH(
      load_supernet(bench.path("run"), bench.configs()),
      ContainsSubstring("split.json: /images: expected the images that the run began with"));
}

TEST_CASE("a resume with another number of threads is refused", "[supernet][training]") {
  TrainingBench bench;
  json config = bench.config();
  StoppingSink sink(1);
  RunDir run = bench.open("run", config);
  TrainConfig recipe = bench.read(config);
  CHECK_THROWS_AS(train(recipe, run, bench.configs(), sink), Interrupted);
  recipe.threads = 2;
  CHECK_THROWS_WITH(train(recipe, run, bench.configs(), sink),
                    ContainsSubstring("000001.safetensors: expected 1 threads, got 2"));
}

TEST_CASE("a largest network near chance ends the run", "[supernet][training]") {
  TrainingBench bench;
  json config = bench.config();
  config["collapse_below"] = 3.5;  // of 1/3: more than can be
  CHECK_THAT(
      failure<CheckFailed>(bench, "run", config),
      ContainsSubstring("phase full, epoch 1: expected the largest network's validation accuracy "
                        "to be at least 116.7 %") &&
          ContainsSubstring("no checkpoint had been written"));
  CHECK(lines(read_file(bench.path("run") / "metrics.csv")).size() == 2);
}

TEST_CASE("a loss that is not finite ends the run at the step", "[supernet][training]") {
  TrainingBench bench;
  json config = bench.config();
  {
    StoppingSink sink(7);
    RunDir run = bench.open("run", config);
    CHECK_THROWS_AS(train(bench.read(config), run, bench.configs(), sink), Interrupted);
    run.close("interrupted", {});
  }
  // Weights too large for float: finite themselves, but not what they make.
  const auto file = bench.path("run") / "checkpoints/000007.safetensors";
  TensorFile content = read_safetensors(file);
  std::string huge;
  for (StoredTensor& tensor : content.tensors)
    if (tensor.name == "classifier.linear.weight") {
      const std::vector<float> values(tensor.bytes.size() / 4, 3e38F);
      huge.assign(reinterpret_cast<const char*>(values.data()), tensor.bytes.size());
      tensor.bytes = huge;
    }
  REQUIRE_FALSE(huge.empty());
  write_safetensors(file, content);
  CHECK_THAT(failure<CheckFailed>(bench, "run", config),
             ContainsSubstring("phase full, step 8: expected a finite loss, got") &&
                 ContainsSubstring("of subnet r12 k5e4") &&
                 ContainsSubstring("the last good checkpoint is checkpoints/000007.safetensors"));
}

TEST_CASE("a largest network that a phase's entry damages ends the run", "[supernet][training]") {
  TrainingBench bench;
  const json config = bench.config();
  {
    StoppingSink sink(20);
    RunDir run = bench.open("run", config);
    CHECK_THROWS_AS(train(bench.read(config), run, bench.configs(), sink), Interrupted);
    run.close("interrupted", {});
  }
  const auto file = bench.path("run") / "checkpoints/000020.safetensors";
  TensorFile content = read_safetensors(file);
  json state = json::parse(content.metadata["state"]);
  state["largest_accuracy"] = 0.25;
  content.metadata["state"] = state.dump();
  write_safetensors(file, content);
  CHECK_THAT(
      failure<CheckFailed>(bench, "run", config),
      ContainsSubstring("phase shapes: expected the largest network's validation accuracy within "
                        "0.5 points of 25.0 %"));
}

TEST_CASE("a config that does not fit images or space is refused by key", "[supernet][training]") {
  const TrainingBench bench;
  const auto with = [&](const char* pointer, const json& value) {
    static int count = 0;
    json config = bench.config();
    config[json::json_pointer(pointer)] = value;
    return failure<ConfigError>(bench, "refused" + std::to_string(++count), config);
  };
  CHECK_THAT(with("/space", "toy:classes=4"),
             ContainsSubstring("/space: expected a space with the 3 classes of") &&
                 ContainsSubstring("add the parameter classes=3"));
  CHECK_THAT(with("/batch_size", 91),
             ContainsSubstring("/batch_size: expected at most the number of "
                               "training images, got 91, with 90"));
  CHECK_THAT(with("/bn_images", 91), ContainsSubstring("/bn_images: expected at most"));
  CHECK_THAT(with("/data/validation_per_class", 40),
             ContainsSubstring("/data/validation_per_class: expected fewer"));
  CHECK_THAT(with("/data/pad", 12), ContainsSubstring("/data/pad: expected padding from 0 to 11"));
  CHECK_THAT(with("/device", "cuda:63"),
             ContainsSubstring("/device: expected a device that torch sees"));
  CHECK_THAT(with("/phases/1/open", {{"kernel", {5, 6}}}),
             ContainsSubstring("/phases/1/open/kernel") && ContainsSubstring("got 6"));
}

TEST_CASE("the quickstart's largest network names more than 55 % of the test images",
          "[supernet][training][slow]") {
  const std::string file = "configs/train/quickstart.json";
  json config = load_json(file, Comments::allowed);
  config["threads"] = 1;  // as all tests
  const json resolved =
      ConfigReader::resolve(config, file, Strictness::config, [](ConfigReader& r) {
        TrainConfig ignored;
        ignored.read(r);
      });
  const TempFolder folder;
  RunDir::Start start;
  start.kind = "train";
  start.command_line = {"test"};
  RunDir run = RunDir::create(folder.path() / "run", start, resolved);
  RecordingSink sink;
  train(read_train_config(resolved, run.file("config.json")), run, "configs", sink);
  const TrainedRun trained = load_supernet(folder.path() / "run", "configs");
  const auto net = trained.space.decode(trained.space.largest());
  CHECK(judge(*trained.supernet, net, trained.data, trained.config, Part::test, torch::kCPU) >
        0.55);
}
