#include "tests/support/catch.hpp"
#include "tests/support/recording_sink.hpp"

#include <thread>

using namespace lathe;

TEST_CASE("the recording sink keeps copies of what it is given", "[base]") {
  test::RecordingSink sink;
  {
    const nlohmann::json fields = {{"epoch", 3}};
    sink.event({Level::info, "train.epoch", fields});
    sink.event({Level::warn, "train.slow", fields});
  }
  sink.progress({"training: width", 3, 10, "loss 1.2"});
  REQUIRE(sink.events().size() == 2);
  REQUIRE(sink.events("train.slow").size() == 1);
  CHECK(sink.events("train.slow")[0].level == Level::warn);
  CHECK(sink.events("train.slow")[0].fields["epoch"] == 3);
  REQUIRE(sink.progress_reports().size() == 1);
  CHECK(sink.progress_reports()[0].detail == "loss 1.2");
}

TEST_CASE("the recording sink asks to stop by hand or at the n-th event", "[base]") {
  test::RecordingSink sink;
  CHECK_FALSE(sink.stop_requested());
  sink.request_stop();
  CHECK(sink.stop_requested());
  sink.request_stop(false);
  sink.stop_after("search.generation", 2);
  const nlohmann::json none = nlohmann::json::object();
  sink.event({Level::info, "search.generation", none});
  sink.event({Level::info, "other", none});
  CHECK_FALSE(sink.stop_requested());
  sink.event({Level::info, "search.generation", none});
  CHECK(sink.stop_requested());
}

TEST_CASE("the recording sink takes events from several threads", "[base]") {
  test::RecordingSink sink;
  const nlohmann::json none = nlohmann::json::object();
  const auto work = [&] {
    for (int i = 0; i < 500; ++i) {
      sink.event({Level::debug, "item", none});
      sink.progress({"items", double(i), 500, ""});
    }
  };
  std::thread other(work);
  work();
  other.join();
  CHECK(sink.events().size() == 1000);
  CHECK(sink.progress_reports().size() == 1000);
}
