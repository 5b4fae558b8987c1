#include "search/cli/print.hpp"
#include "search/cli/progress_text.hpp"
#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>

using namespace lathe;
using namespace lathe::cli;
using namespace std::chrono_literals;

TEST_CASE("the time left counts only what this activity did itself", "[cli]") {
  // 30 of 100 were there at the start; 10 more took 20 s, so 60 take 120 s.
  const Progress progress{"measuring blocks", 40, 100, "best 1.2 ms"};
  CHECK(progress_line(progress, 20s, 30, 200, false) ==
        "measuring blocks   40%  " + text_rough(Micros(120s)) + " left  best 1.2 ms");
  CHECK_THAT(progress_line({"training", 1, 2, ""}, 5s, 1, 200, false),
             !ContainsSubstring("left"));  // nothing gained yet: nothing to tell
}

TEST_CASE("a progress line never outgrows the terminal", "[cli]") {
  const Progress progress{"measuring blocks", 41, 100, std::string(200, 'x')};
  CHECK(progress_line(progress, 20s, 0, 79, true).size() == 79);
  CHECK_THAT(progress_line(progress, 20s, 0, 79, true),
             ContainsSubstring("[########............]  41%"));
}

TEST_CASE("text is cut between characters of UTF-8", "[cli]") {
  CHECK(columns_of("Größe") == 5);
  CHECK(shortened("Größe", 5) == "Größe");
  CHECK(shortened("Größenordnung", 6) == "Grö...");
}

TEST_CASE("what training, measuring and searching report are sentences", "[cli]") {
  const nlohmann::json epoch = {{"phase", "kernel"},
                                {"epoch", 1},
                                {"epochs", 3},
                                {"step", 40},
                                {"loss", 2.31234},
                                {"lr", 0.01},
                                {"images_per_second", 648.7},
                                {"accuracy", {{"largest", 0.624}, {"smallest", 0.59}}}};
  CHECK(event_line("train.epoch", epoch) ==
        "kernel 1 of 3: loss 2.312, largest 62.4 %, smallest 59.0 %, 649 images/s");
  nlohmann::json phase = {
      {"phase", "full"}, {"epochs", 1}, {"epoch", 0}, {"smallest", "r24 k7e4"}, {"teacher", ""}};
  CHECK(event_line("train.phase", phase) == "phase full: 1 epoch, down to r24 k7e4");
  phase["teacher"] = "checkpoints/000005.safetensors";
  phase["epochs"] = 5;
  phase["epoch"] = 2;
  CHECK(event_line("train.phase", phase) ==
        "phase full: 5 epochs, 2 done, taught by checkpoints/000005.safetensors, down to r24 k7e4");
  const nlohmann::json start = {
      {"space", "tiny"},          {"weights", 70892},      {"train_images", 4500},
      {"validation_images", 500}, {"steps_per_epoch", 35}, {"phases", {"full"}},
      {"device", "cpu"},          {"threads", 1},          {"step", 1200}};
  CHECK(
      event_line("train.start", start) ==
      "tiny: 70,892 weights, 4,500 images to train on, 500 to judge by, 35 steps an epoch, on cpu; "
      "going on after step 1,200");
  CHECK(event_line("measure.started", {{"device", "AMD EPYC"},
                                       {"engine", "xnnpack"},
                                       {"items", 86},
                                       {"rounds", 1},
                                       {"samples_there", 0}}) ==
        "measuring 86 items in 1 round with xnnpack on AMD EPYC");
  nlohmann::json round = {{"round", 2}, {"evaluations", 24},      {"best_error", 0.3333},
                          {"front", 6}, {"hypervolume", 0.14421}, {"elapsed_s", 14.5}};
  CHECK(event_line("search.generation", round) ==
        "round 2: 24 networks, best accuracy 66.7 %, front of 6, hypervolume 0.144");
  round["best_error"] = nullptr;
  CHECK(event_line("search.generation", round) ==
        "round 2: 24 networks, front of 6, hypervolume 0.144");
}

TEST_CASE("an event is its message, or its plain fields", "[cli]") {
  CHECK(event_line("measure.note", {{"message", "the clock moved"}, {"n", 3}}) ==
        "the clock moved");
  CHECK(event_line("train.epoch", {{"loss", 1.23456}, {"phase", "kernel"}, {"list", {1, 2}}}) ==
        "train.epoch  loss 1.235, phase kernel");
}

TEST_CASE("columns are aligned and numbers grouped", "[cli]") {
  CHECK(grouped(300774272) == "300,774,272");
  CHECK(grouped(-1000) == "-1,000");
  CHECK(grouped(999) == "999");
  CHECK(counted(1, "thread") == "1 thread");
  CHECK(counted(0, "thread") == "0 threads");
  CHECK(counted(1200, "image") == "1,200 images");
  CHECK(percent(0.4567) == "45.7 %");
  CHECK(table_text({{"name", Align::left}, {"ms"}}, {{"a", "1.25"}, {"long name", "10"}}) ==
        "name         ms\na          1.25\nlong name    10\n");
}
