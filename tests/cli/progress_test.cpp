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
  CHECK(percent(0.4567) == "45.7 %");
  CHECK(table_text({{"name", Align::left}, {"ms"}}, {{"a", "1.25"}, {"long name", "10"}}) ==
        "name         ms\na          1.25\nlong name    10\n");
}
