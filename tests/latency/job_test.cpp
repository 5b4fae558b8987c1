#include "latency/job.hpp"

#include "tests/latency/networks.hpp"
#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>

using namespace lathe;
using namespace lathe::latency;
using nlohmann::json;

namespace {

const std::string kStem = "conv 16x16x3 > 8 k3 s2 hswish";
const std::string kBlock = "mbconv 8x8x8 > 8 k3 m16 s1 relu id";

json line_of(const ProbeLine& line) { return to_json(line); }

}  // namespace

TEST_CASE("a job comes back from its JSON as it was", "[latency]") {
  EngineJob job;
  job.engine = "xnnpack";
  job.job.items = {test::block_item(kBlock), {"both", test::network_of({kStem, kBlock})}};
  job.job.items[0].net.blocks[0].precision = spaces::Precision::int8;
  job.job.seed = 123456789012345;
  job.job.done = {{0, 2}, {}};
  const json value = to_json(job);
  const EngineJob back = engine_job_from_json(value, "job.json");
  CHECK(to_json(back) == value);
  CHECK(back.job.done == job.job.done);
  CHECK(back.job.items[0].net.blocks[0].precision == spaces::Precision::int8);
  CHECK(network_id(back.job.items[1].net) == network_id(job.job.items[1].net));
}

TEST_CASE("items are named by key and by precision where it is not fp32", "[latency]") {
  auto placed = test::network_of({kBlock}).blocks[0];
  CHECK(item_name(placed) == kBlock);
  placed.precision = spaces::Precision::int8;
  CHECK(item_name(placed) == kBlock + " int8");
}

TEST_CASE("wiring that is not plain travels", "[latency]") {
  auto net = test::network_of({kBlock, kBlock, kBlock});
  net.blocks[2].inputs = {0};
  net.outputs = {1, 2};
  const auto back = network_from_json(to_json(net), "net");
  CHECK(back.blocks[2].inputs == std::vector<int>{0});
  CHECK(back.outputs == net.outputs);
}

TEST_CASE("probe lines come back as they were", "[latency]") {
  Started started;
  started.device = {"local", "a CPU", "Linux", "xnnpack", "1", 2};
  started.clock.frequency_mhz = 2400.5;
  Sample sample;
  sample.item = 3;
  sample.round = 7;
  sample.runs = Sample::Runs{{Micros{1.5}, Micros{2}}, {Micros{3}, Micros{4.25}}};
  sample.max_difference = 1e-7;
  Sample failed;
  failed.runs = Failure{"no kernel"};
  const std::vector<ProbeLine> lines = {started, Began{1, 2}, sample, failed, Ended{true}};
  for (const ProbeLine& line : lines) {
    const ProbeLine back = probe_line_from_json(line_of(line), "line");
    CHECK(back.index() == line.index());
    CHECK(line_of(back) == line_of(line));
  }
  CHECK(line_of(started)["started"]["clock"]["temperature_c"] == "unknown");
}

TEST_CASE("broken jobs and samples are refused with their place", "[latency]") {
  EngineJob job;
  job.engine = "xnnpack";
  job.job.items = {test::block_item(kBlock)};
  json value = to_json(job);
  value["items"][0]["net"]["blocks"][0]["key"] = "mbconv 8x8";
  CHECK_THROWS_WITH(engine_job_from_json(value, "job.json"),
                    ContainsSubstring("job.json: /items/0/net/blocks/0/key"));
  value = to_json(job);
  value["key_grammar"] = 99;
  CHECK_THROWS_WITH(engine_job_from_json(value, "job.json"), ContainsSubstring("key_grammar"));
  value = to_json(job);
  value["done"] = {{1}, {2}};
  CHECK_THROWS_WITH(engine_job_from_json(value, "job.json"), ContainsSubstring("each of 1 items"));
  const json sample = {{"item", 0}, {"round", 0}, {"by_clock_us", {1.0, 2.0}}, {"wall_us", {1.0}}};
  CHECK_THROWS_WITH(
      sample_from_json(sample, "log"),
      ContainsSubstring("as many numbers as by_clock_us") && ContainsSubstring("1 beside 2"));
  CHECK_THROWS_WITH(sample_from_json({{"item", -1}, {"round", 0}}, "log"),
                    ContainsSubstring("/item"));
}
