#include "latency/device/runner.hpp"

#include "latency/device/clock_state.hpp"
#include "tests/latency/networks.hpp"
#include "tests/support/catch.hpp"

#include <map>
#include <set>
#include <unistd.h>

using namespace lathe;
using namespace lathe::latency;

namespace {

/// What a job writes, with an engine of its own.
struct Run {
  std::vector<Began> began;
  std::vector<Sample> samples;
  Ended ended;
};
Run run(const Job& job, Backend& backend, int stop_after = -1) {
  Run result;
  RunnerDoors doors;
  doors.write = [&](const ProbeLine& line) {
    if (const auto* began = std::get_if<Began>(&line)) result.began.push_back(*began);
    if (const auto* sample = std::get_if<Sample>(&line)) result.samples.push_back(*sample);
  };
  doors.stop = [&] { return static_cast<int>(result.samples.size()) == stop_after; };
  result.ended = run_job(job, backend, doors);
  return result;
}

Protocol fast() {
  Protocol protocol;
  protocol.rounds = 2;
  protocol.runs = 3;
  protocol.min_time = Micros{0};
  return protocol;
}

Job job_of(const std::vector<std::string>& keys) {
  Job job;
  for (const auto& key : keys) job.items.push_back(test::block_item(key));
  job.protocol = fast();
  job.seed = 5;
  return job;
}

const std::string kSmall = "mbconv 8x8x8 > 8 k3 m16 s1 relu id";
const std::string kOther = "conv 8x8x8 > 16 k1 s1 relu";

/// The reference, counting by a program's number of ops how often an input was touched.
class CountingBackend : public Backend {
 public:
  std::map<std::size_t, int> touched;
  std::string version() const override { return "0"; }
  std::variant<std::unique_ptr<Prepared>, Failure> prepare(const Program& program,
                                                           const spaces::Plane& input) override {
    class Counting : public Prepared {
     public:
      Counting(std::unique_ptr<Prepared> right, std::map<std::size_t, int>& to, std::size_t ops)
          : right_(std::move(right)), touched_(to), ops_(ops) {}
      std::optional<Failure> run() override { return right_->run(); }
      void touch_input() override { ++touched_[ops_]; }
      spaces::Plane output() const override { return right_->output(); }

     private:
      std::unique_ptr<Prepared> right_;
      std::map<std::size_t, int>& touched_;
      std::size_t ops_;
    };
    auto right = reference_->prepare(program, input);
    return std::make_unique<Counting>(std::get<std::unique_ptr<Prepared>>(std::move(right)),
                                      touched, program.ops.size());
  }

 private:
  std::unique_ptr<Backend> reference_ = make_reference_backend(1);
};

/// An engine whose answers are wrong by a little.
class WrongBackend : public Backend {
 public:
  std::string version() const override { return "0"; }
  std::variant<std::unique_ptr<Prepared>, Failure> prepare(const Program& program,
                                                           const spaces::Plane& input) override {
    class Wrong : public Prepared {
     public:
      explicit Wrong(std::unique_ptr<Prepared> right) : right_(std::move(right)) {}
      std::optional<Failure> run() override { return right_->run(); }
      void touch_input() override {}
      spaces::Plane output() const override {
        spaces::Plane plane = right_->output();
        for (float& value : plane.values) value *= 1.001F;
        return plane;
      }

     private:
      std::unique_ptr<Prepared> right_;
    };
    auto right = reference_->prepare(program, input);
    return std::make_unique<Wrong>(std::get<std::unique_ptr<Prepared>>(std::move(right)));
  }

 private:
  std::unique_ptr<Backend> reference_ = make_reference_backend(1);
};

}  // namespace

TEST_CASE("every item runs once in every round, shuffled by the seed", "[latency][probe]") {
  const auto backend = make_backend("reference", 1);
  Job job = job_of({kSmall, kOther, "conv 8x8x8 > 8 k3 s1 relu", "conv 4x4x8 > 8 k1 s1 relu"});
  job.protocol.rounds = 5;
  const Run first = run(job, *backend);
  CHECK_FALSE(first.ended.stopped);
  REQUIRE(first.samples.size() == 20);
  std::set<std::pair<int, int>> seen;
  std::set<std::vector<int>> orders;
  for (int round = 0; round < 5; ++round) {
    std::vector<int> order;
    for (std::size_t i = 0; i < 4; ++i) {
      const Sample& sample = first.samples[static_cast<std::size_t>(round) * 4 + i];
      CHECK(sample.round == round);
      CHECK(sample.max_difference.has_value() == (round == 0));
      const auto& runs = std::get<Sample::Runs>(sample.runs);
      CHECK(runs.by_clock.size() == 3);
      for (std::size_t r = 0; r < 3; ++r) CHECK(runs.by_clock[r] > Micros{0});
      seen.insert({sample.item, round});
      order.push_back(sample.item);
    }
    orders.insert(order);
  }
  CHECK(seen.size() == 20);
  CHECK(orders.size() > 1);
  const Run second = run(job, *backend);
  for (std::size_t i = 0; i < 20; ++i) CHECK(second.samples[i].item == first.samples[i].item);
}

TEST_CASE("rounds that are done are not run, nor their items checked again", "[latency][probe]") {
  const auto backend = make_backend("reference", 1);
  Job job = job_of({kSmall, kOther});
  job.protocol.rounds = 3;
  job.done = {{0, 2}, {}};
  const Run result = run(job, *backend);
  REQUIRE(result.samples.size() == 4);
  for (const Sample& sample : result.samples) {
    if (sample.item == 0) CHECK(sample.round == 1);
    CHECK(sample.max_difference.has_value() == (sample.item == 1 && sample.round == 0));
  }
}

TEST_CASE("a request to stop ends after the current item", "[latency][probe]") {
  const auto backend = make_backend("reference", 1);
  const Run result = run(job_of({kSmall, kOther}), *backend, /*stop_after=*/3);
  CHECK(result.ended.stopped);
  CHECK(result.samples.size() == 3);
  CHECK(result.began.size() == 3);
}

TEST_CASE("min and max time bound the runs of an item", "[latency][probe]") {
  const auto backend = make_backend("reference", 1);
  Job job = job_of({kSmall});
  job.protocol.rounds = 1;
  job.protocol.runs = 1;
  job.protocol.min_time = Micros{20000};
  CHECK(std::get<Sample::Runs>(run(job, *backend).samples.at(0).runs).wall.size() > 5);
  job.protocol.runs = 100000;
  job.protocol.min_time = Micros{0};
  job.protocol.max_time = Micros{1};
  CHECK(std::get<Sample::Runs>(run(job, *backend).samples.at(0).runs).wall.size() == 1);
}

TEST_CASE("caches are emptied before each run of a block alone, and of nothing else",
          "[latency][probe]") {
  CountingBackend backend;
  Job job = job_of({kSmall});
  job.items.push_back({"net", test::network_of({kSmall, kOther})});
  job.protocol.rounds = 1;
  job.protocol.evict_bytes = 1 << 20;
  run(job, backend);
  CHECK(backend.touched == std::map<std::size_t, int>{{4, 3}});  // three runs of the block's 4 ops
  backend.touched.clear();
  job.protocol.evict_bytes = 0;
  run(job, backend);
  CHECK(backend.touched.empty());
}

TEST_CASE("a wrong engine's item fails before it is timed", "[latency][probe]") {
  WrongBackend backend;
  const Run result = run(job_of({kSmall}), backend);
  REQUIRE(result.samples.size() == 1);  // no second round
  CHECK_THAT(std::get<Failure>(result.samples[0].runs).reason,
             ContainsSubstring("differs from the reference executor's by 0.001") &&
                 ContainsSubstring("at most 0.0001"));
}

TEST_CASE("differences are relative to the largest value", "[latency][probe]") {
  const spaces::Plane a{{1, 1, 2}, {10, -1}}, b{{1, 1, 2}, {10, -1.5}};
  CHECK(relative_difference(b, a) == Approx(0.05));
  CHECK(relative_difference(a, a) == 0);
  CHECK(std::isinf(relative_difference({{1, 1, 1}, {10}}, a)));
  CHECK(std::isinf(relative_difference({{1, 1, 2}, {10, NAN}}, a)));
}

TEST_CASE("precisions and ops that an engine lacks are failures that say so", "[latency][probe]") {
  const auto reference = make_backend("reference", 1);
  Job job = job_of({kSmall});
  job.items[0].net.blocks[0].precision = spaces::Precision::int8;
  CHECK_THAT(std::get<Failure>(run(job, *reference).samples.at(0).runs).reason,
             ContainsSubstring("fp32 only") && ContainsSubstring("int8"));
  CHECK_THROWS_WITH(make_backend("tensorrt", 1),
                    ContainsSubstring("tensorrt") && ContainsSubstring("reference"));
}

TEST_CASE("cores that are not there are refused", "[latency][probe]") {
  CHECK_THROWS_WITH(pin_to({4000}), ContainsSubstring("cannot pin to cores 4000"));
  CHECK_NOTHROW(pin_to({}));
}

#ifdef LATHE_WITH_XNNPACK
TEST_CASE("XNNPACK equals the reference on every kind of block", "[latency][probe][parity]") {
  const auto backend = make_backend("xnnpack", 1);
  const std::string key = GENERATE(
      as<std::string>{}, "mbconv 14x14x16 > 16 k3 m48 s1 relu id",
      "mbconv 14x14x16 > 24 k5 m64 s1 relu6", "mbconv 14x14x16 > 16 k7 m48 s1 hswish id",
      "mbconv 14x14x16 > 24 k3 m48 s2 relu", "mbconv 15x15x16 > 24 k5 m64 s2 hswish",
      "mbconv 7x7x24 > 24 k7 m72 s2 hswish",
      "mbconv 9x9x16 > 16 k5 m64 s1 se16 relu hsigmoid hswish id",
      "mbconv 9x9x16 > 16 k3 m64 s1 se8 swish sigmoid swish id",
      "mbconv 9x9x16 > 24 k3 m64 s2 se8 relu hsigmoid relu6",
      "mbconv 14x14x16 > 24 k3 m16 s1 noexpand relu", "mbconv 14x14x16 > 24 k3 m64 s2 swish pooled",
      "mbconv 15x15x16 > 16 k5 m64 s2 relu pooled", "mbconv 8x8x16 > 24 k3 m64 s1 relu pooled",
      "conv 33x33x3 > 16 k3 s2 hswish", "conv 32x32x3 > 16 k5 s1 relu6",
      "conv 8x8x16 > 32 k1 s1 g4 relu", "conv 8x8x16 > 10 k1 s1 nonorm bias none",
      "conv 8x8x16 > 16 k1 s1 hsigmoid", "conv 8x8x16 > 16 k3 s1 relu id",
      "conv 1x1x24 > 32 k1 s1 nonorm bias sigmoid", "fused 16x16x8 > 16 k3 m32 s2 relu6",
      "fused 9x9x8 > 8 k5 m32 s1 se8 relu hsigmoid hswish id",
      "tucker 16x16x16 > 16 k3 i8 o12 s1 relu6 id", "tucker 15x15x16 > 24 k3 i8 o12 s2 hswish",
      "universal 14x14x16 > 16 a3 k5 m64 s1 relu id", "universal 15x15x16 > 24 a0 k3 m64 s2 relu",
      "universal 14x14x16 > 24 a5 k0 m48 s2 relu", "universal 14x14x16 > 16 a0 k0 m48 s1 relu id",
      "pool 7x7x32 > 32", "linear 1x1x48 > 10 none", "linear 1x1x48 > 64 nobias hswish");
  CAPTURE(key);
  const Run result = run(job_of({key}), *backend);
  REQUIRE(result.samples.size() == 2);
  for (const Sample& sample : result.samples) {
    const auto* failure = std::get_if<Failure>(&sample.runs);
    INFO((failure ? failure->reason : ""));
    REQUIRE(failure == nullptr);
  }
  // Far below the limit: fp32 against double sums.
  CHECK(*result.samples[0].max_difference < 2e-5);
}

TEST_CASE("XNNPACK says which op it lacks", "[latency][probe]") {
  const auto backend = make_backend("xnnpack", 1);
  const Run result = run(job_of({"mbconv 8x8x16 > 16 k3 m32 s1 g2 relu id"}), *backend);
  CHECK_THAT(
      std::get<Failure>(result.samples.at(0).runs).reason,
      ContainsSubstring("engine xnnpack has no channel shuffle") && ContainsSubstring("shuffle"));
}

TEST_CASE("XNNPACK equals the reference on whole networks, on one thread and two",
          "[latency][probe][parity]") {
  // MobileNetV3-like at 64 px: stem, SE and plain blocks of all strides, head, pool, classifier.
  const auto net = test::network_of(
      {"conv 64x64x3 > 16 k3 s2 hswish", "mbconv 32x32x16 > 16 k3 m16 s1 noexpand relu id",
       "mbconv 32x32x16 > 24 k3 m64 s2 relu", "mbconv 16x16x24 > 24 k5 m72 s1 relu id",
       "mbconv 16x16x24 > 40 k5 m72 s2 se24 relu hsigmoid relu",
       "mbconv 8x8x40 > 40 k7 m120 s1 se32 relu hsigmoid relu id",
       "mbconv 8x8x40 > 80 k3 m240 s2 hswish",
       "mbconv 4x4x80 > 112 k3 m480 s1 se120 relu hsigmoid hswish",
       "mbconv 4x4x112 > 160 k5 m672 s2 se168 relu hsigmoid hswish",
       "conv 2x2x160 > 960 k1 s1 hswish", "pool 2x2x960 > 960", "linear 1x1x960 > 1280 hswish",
       "linear 1x1x1280 > 1000 none"});
  const int threads = GENERATE(1, 2);
  const auto backend = make_backend("xnnpack", threads);
  Job job;
  job.items = {{"net", net}};
  job.protocol = fast();
  job.protocol.threads = threads;
  job.protocol.clock = threads == 1 ? Clock::thread_cpu : Clock::steady;
  const Run result = run(job, *backend);
  REQUIRE(result.samples.size() == 2);
  REQUIRE(std::holds_alternative<Sample::Runs>(result.samples[0].runs));
  CHECK(*result.samples[0].max_difference < kLargestDifference);
  CHECK(*result.samples[0].max_difference > 0);
}
#endif
