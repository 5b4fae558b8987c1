#include "spaces/base/error.hpp"
#include "spaces/base/hash.hpp"
#include "spaces/base/json_io.hpp"
#include "supernet/training/checkpoint.hpp"
#include "supernet/training/trained_run.hpp"
#include "supernet/training/trainer.hpp"
#include "tests/supernet/refusal.hpp"
#include "tests/supernet/training_run.hpp"
#include "tests/support/catch.hpp"

#include <torch/torch.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace lathe;
using namespace lathe::supernet;
using namespace lathe::test;
using nlohmann::json;
namespace fs = std::filesystem;

TEST_CASE("a run folder that was changed is refused by file and key, and left as it is",
          "[supernet][training]") {
  TrainingBench bench;
  const json config = bench.config();
  {
    StoppingSink sink(22);
    RunDir run = bench.open("run", config);
    CHECK_THROWS_AS(train(bench.read(config), run, bench.configs(), sink), Interrupted);
    run.close("interrupted", {});
  }
  const auto folder = bench.path("run");
  const auto newest = folder / "checkpoints/000022.safetensors";
  // What training writes; the log of events and the manifest do tell of the failure.
  const auto outputs = [&] {
    std::map<std::string, std::string> all;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      const std::string name = entry.path().filename().string();
      if (entry.is_regular_file() && name != "manifest.json")
        all[entry.path().string()] = sha256_of_file(entry.path());
    }
    return all;
  };
  // What a resume says of it and, unless it does not look there, an evaluation.
  const auto refused = [&](const Refusal& refusal, bool opens) {
    const auto before = outputs();
    const std::string difference = unlike(refusal, ExitCode::input, [&] {
      RecordingSink sink;
      RunDir run = bench.open("run", config);
      train(bench.read(config), run, bench.configs(), sink);
    });
    if (outputs() != before) return std::string("something was written");
    if (opens) return difference;
    return difference +
           unlike(refusal, ExitCode::input, [&] { load_supernet(folder, bench.configs()); });
  };
  const std::string changed = "the file was changed since", split = folder / "split.json";
  const json good = load_json(split, Comments::refused);
  const auto with_split = [&](const json& value, const Refusal& refusal) {
    write_file(split, value.dump());
    const std::string difference = refused(refusal, false);
    write_file(split, dump_json(good));
    return difference;
  };
  const auto set = [&](const char* pointer, const json& value) {
    json other = good;
    other[json::json_pointer(pointer)] = value;
    return other;
  };
  CHECK(with_split(json::array(), {split, "an object", "[]", changed}) == "");
  CHECK(with_split(set("/format", "x"),
                   {split + ": /format", "\"lathe.split\"", "\"x\"", changed}) == "");
  CHECK(with_split(set("/version", 1.0), {split + ": /version", "1", "1.0", changed}) == "");
  CHECK(with_split(set("/images", "x"),
                   {split + ": /images", "the images that the run began with (fingerprint \"x\")",
                    "", "a run goes on"}) == "");
  CHECK(with_split(set("/validation/3", "x"),
                   {split + ": /validation/3", "\"train/c0/", "\"x\"", changed}) == "");
  CHECK(with_split(set("/mean/0", 0.5), {split + ": /mean/0", "0.", "0.5", changed}) == "");
  CHECK(with_split(set("/classes", json::array()),
                   {split + ": /classes", "[\"c0\",", "[]", changed}) == "");
  CHECK(with_split(set("/train_images", 89), {split + ": /train_images", "90", "89", changed}) ==
        "");
  CHECK(with_split(set("/more", 1), {split, "the keys of split.json alone", "\"more\"", changed}) ==
        "");
  json less = good;
  less.erase("mean");
  CHECK(with_split(less, {split, "the key mean", "none", changed}) == "");
  write_file(split, "{");
  CHECK(refused({split + ": line 1, column", "a key", "the end of the file", ""}, false) == "");
  fs::remove(split);
  CHECK(refused({split, "a file that can be read", "nothing", ""}, false) == "");
  write_file(split, dump_json(good));

  const auto metrics = folder / "metrics.csv";
  const std::string rows = read_file(metrics);
  std::string other_rows = rows;
  other_rows.replace(rows.find("full,2,10"), 9, "full,2,11");
  write_file(metrics, other_rows);
  CHECK(refused({metrics.string() + ": line 3", "full, epoch 2, step 10",
                 "\"full\", epoch 2, step 11", changed},
                true) == "");
  write_file(metrics, rows.substr(0, 99));
  CHECK(refused(
            {metrics, "the " + std::to_string(rows.size()) + " bytes that the checkpoint speaks of",
             "99", changed},
            true) == "");
  write_file(metrics, rows);

  const std::string bytes = read_file(newest);
  const auto with_state = [&](const char* key, const json& value, const Refusal& refusal) {
    TensorFile content = read_safetensors(newest);
    json state = json::parse(content.metadata["state"]);
    state[key] = value;
    content.metadata["state"] = state.dump();
    write_safetensors(newest, content);
    const std::string difference = refused(refusal, false);
    write_file(newest, bytes);
    return difference;
  };
  const std::string state = newest.string() + ": /__metadata__/state: /",
                    not_ours = "the checkpoint is not of this run";
  CHECK(with_state("phase", 4, {state + "phase", "at most 3", "4", not_ours}) == "");
  CHECK(with_state("epoch", 2, {state + "epoch", "less than 2", "2", not_ours}) == "");
  CHECK(with_state("epoch_step", 5, {state + "epoch_step", "less than 5", "5", not_ours}) == "");
  CHECK(with_state("teacher", "../x",
                   {state + "teacher", "a checkpoint at a phase's end", "\"../x\"", not_ours}) ==
        "");
  write_file(newest, bytes.substr(0, bytes.size() / 2));
  CHECK(refused({newest, "", "", "the file is damaged"}, false) == "");
  write_file(newest, bytes);
  TensorFile content = read_safetensors(newest);
  content.metadata["config"] = "0";
  write_safetensors(newest, content);
  CHECK(refused({newest.string() + ": /__metadata__/config", "", "\"0\"",
                 "the checkpoint is of another config"},
                false) == "");
  fs::remove(newest);
  fs::create_directory(newest);
  CHECK(refused({newest, "a file that can be read", "a folder", ""}, false) == "");
}

TEST_CASE("a rate that is far too high ends training, and the last checkpoint is good",
          "[supernet][training]") {
  TrainingBench bench;
  json config = bench.config();
  config["momentum"] = 0.999;
  config["batch_size"] = 2;
  config["collapse_below"] = 0;
  config["phases"][0]["epochs"] = 1;
  config["phases"][0]["warm_up_epochs"] = 0;
  config["phases"][1]["lr"] = 10;
  std::string words;
  try {
    RecordingSink sink;
    RunDir run = bench.open("run", config);
    train(bench.read(config), run, bench.configs(), sink);
  } catch (const CheckFailed& error) {
    words = error.what();
  }
  INFO(words);
  CHECK_THAT(words, ContainsSubstring("phase shapes, step ") &&
                        ContainsSubstring(": expected a finite loss, got ") &&
                        ContainsSubstring(" of subnet r") &&
                        ContainsSubstring("; try a lower lr; the last good checkpoint is "));
  // What was kept can be read, and is what the message says.
  const TrainedRun kept = load_supernet(bench.path("run"), bench.configs());
  CHECK_THAT(words, ContainsSubstring(kept.checkpoint));
}

#ifndef __SANITIZE_ADDRESS__
TEST_CASE("memory that ends names batch, subnet and what to do", "[supernet][training]") {
  /// Leaves hardly any more memory than the process has when the first step begins.
  struct LimitingSink : RecordingSink {
    void event(const Event& event) override {
      if (event.name != "train.phase") return;
      std::size_t pages = 0;
      std::FILE* statm = std::fopen("/proc/self/statm", "r");
      if (statm == nullptr || std::fscanf(statm, "%zu", &pages) != 1) std::_Exit(9);
      std::fclose(statm);
      const rlim_t most = pages * std::size_t(::getpagesize()) + (rlim_t(16) << 20);
      const rlimit limit{most, RLIM_INFINITY};
      if (::setrlimit(RLIMIT_AS, &limit) != 0) std::_Exit(9);
    }
  };
  TrainingBench bench;
  write_file(bench.path("images.tar"), archive_bytes(toy_members(3, 40, 10, 64), "ustar", "none"));
  json config = bench.config();
  config["space"] = "toy:resolution=64";
  config["data"]["image_size"] = 64;
  config["batch_size"] = 90;
  config["phases"].erase(2);
  config["phases"].erase(1);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    int status = 1;
    std::string words = "trained";
    try {
      LimitingSink sink;
      RunDir run = bench.open("run", config);
      train(bench.read(config), run, bench.configs(), sink);
    } catch (const Error& error) {
      status = static_cast<int>(error.exit_code());
      words = error.what();
    } catch (const std::exception& error) {
      words = error.what();
    }
    const rlimit no_limit{RLIM_INFINITY, RLIM_INFINITY};
    ::setrlimit(RLIMIT_AS, &no_limit);
    write_file(bench.path("words"), words);
    std::_Exit(status);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  const std::string words = read_file(bench.path("words"));
  INFO(words);
  CHECK(WEXITSTATUS(status) == static_cast<int>(ExitCode::resource));
  CHECK_THAT(words,
             ContainsSubstring("phase full, step 1: expected memory for a batch of 90 images in "
                               "subnet r64 k5e4 k5e4") &&
                 ContainsSubstring(", got ") &&
                 ContainsSubstring("; set a smaller batch_size; no checkpoint had been written"));
}
#endif
