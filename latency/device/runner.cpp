#include "latency/device/runner.hpp"

#include "latency/device/clock_state.hpp"
#include "spaces/base/rng.hpp"
#include "spaces/network.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <sstream>
#include <time.h>
#include <utility>

namespace lathe::latency {
namespace {

using spaces::Op;
using spaces::Plane;

// Latency does not depend on batch norm's epsilon: it is folded. PyTorch's default.
constexpr double kEpsilon = 1e-5;
// Where the system does not tell how much memory is free.
constexpr std::uint64_t kAssumedMemory = std::uint64_t(1) << 30;

std::int64_t now_ns(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return std::int64_t(time.tv_sec) * 1000000000 + time.tv_nsec;
}
Micros micros(std::int64_t ns) { return Micros{static_cast<double>(ns) / 1000}; }

/// What one reading of the thread's clock adds to an interval between two: a system call, which is
/// a tenth of the smallest blocks. The median of many, because some are interrupted.
std::int64_t cost_of_thread_clock() {
  std::array<std::int64_t, 101> costs{};
  for (std::int64_t& cost : costs) {
    const std::int64_t before = now_ns(CLOCK_THREAD_CPUTIME_ID);
    cost = now_ns(CLOCK_THREAD_CPUTIME_ID) - before;
  }
  std::sort(costs.begin(), costs.end());
  return costs[costs.size() / 2];
}

/// Weights twice (ours and the engine's packed copy) and all activations: more than is used.
std::uint64_t bytes_of(const Program& program) {
  std::uint64_t floats = 0;
  for (std::size_t i = 0; i < program.ops.size(); ++i) {
    const auto& out = program.ops[i].out;
    floats += 2 * program.weights[i].weight.size();
    floats += std::uint64_t(out.height) * std::uint64_t(out.width) * std::uint64_t(out.channels);
  }
  return floats * sizeof(float);
}

/// Bytes that are read to push other data out of the caches.
class Evictor {
 public:
  explicit Evictor(std::int64_t bytes) : bytes_(static_cast<std::size_t>(bytes), 1) {}
  void run() const {
    constexpr std::size_t kLine = 64;
    volatile unsigned char sink = 0;
    for (std::size_t i = 0; i < bytes_.size(); i += kLine) sink = bytes_[i];
    static_cast<void>(sink);
  }

 private:
  std::vector<unsigned char> bytes_;
};

/// Warm-up and timed runs of one item in one round; `evictor` for blocks alone.
std::variant<Sample::Runs, Failure> time_runs(Prepared& prepared, const Protocol& protocol,
                                              const Evictor* evictor, std::int64_t clock_cost) {
  for (int i = 0; i < protocol.warm_up_runs; ++i) {
    if (auto failure = prepared.run()) return *failure;
  }
  Sample::Runs runs;
  const bool by_thread = protocol.clock == Clock::thread_cpu;
  const std::int64_t begin = now_ns(CLOCK_MONOTONIC);
  const auto goes_on = [&] {
    const Micros spent = micros(now_ns(CLOCK_MONOTONIC) - begin);
    const auto count = static_cast<int>(runs.wall.size());
    if (count == 0) return true;
    return spent < protocol.max_time && (count < protocol.runs || spent < protocol.min_time);
  };
  while (goes_on()) {
    if (evictor != nullptr) {
      evictor->run();
      prepared.touch_input();
    }
    const std::int64_t wall = now_ns(CLOCK_MONOTONIC);
    const std::int64_t cpu = by_thread ? now_ns(CLOCK_THREAD_CPUTIME_ID) : 0;
    const auto failure = prepared.run();
    const std::int64_t cpu_end = by_thread ? now_ns(CLOCK_THREAD_CPUTIME_ID) : 0;
    const std::int64_t wall_end = now_ns(CLOCK_MONOTONIC);
    if (failure) return *failure;
    runs.wall.push_back(micros(wall_end - wall));
    const std::int64_t thread_time = std::max<std::int64_t>(1, cpu_end - cpu - clock_cost);
    runs.by_clock.push_back(by_thread ? micros(thread_time) : runs.wall.back());
  }
  return runs;
}

class Runner {
 public:
  Runner(const Job& job, Backend& backend, const RunnerDoors& doors)
      : job_(job),
        backend_(backend),
        doors_(doors),
        states_(job.items.size()),
        evictor_(job.protocol.evict_bytes.value_or(0)) {
    memory_left_ = available_memory().value_or(kAssumedMemory) / 2;
    for (std::size_t i = 0; i < job.done.size(); ++i) states_[i].checked = !job.done[i].empty();
  }

  Ended run() {
    for (int round = 0; round < job_.protocol.rounds; ++round) {
      std::vector<int> order(job_.items.size());
      std::iota(order.begin(), order.end(), 0);
      Rng rng = Rng(job_.seed).stream("measure/order", static_cast<std::uint64_t>(round));
      rng.shuffle(order);
      for (const int item : order) {
        if (doors_.stop()) return {true};
        if (!is_due(item, round)) continue;
        doors_.write(Began{item, round});
        doors_.write(measure(item, round));
      }
    }
    return {false};
  }

 private:
  struct State {
    std::unique_ptr<Prepared> prepared;  ///< kept between rounds if memory allows
    bool checked = false, failed = false;
  };

  bool is_due(int item, int round) const {
    const auto index = static_cast<std::size_t>(item);
    if (states_[index].failed) return false;
    if (job_.done.empty()) return true;
    const auto& done = job_.done[index];
    return std::find(done.begin(), done.end(), round) == done.end();
  }

  Sample measure(int item, int round) {
    State& state = states_[static_cast<std::size_t>(item)];
    Sample sample;
    sample.item = item;
    sample.round = round;
    std::unique_ptr<Prepared> passing;
    auto failure = prepare(item, passing, sample);
    if (!failure) {
      LATHE_CHECK(state.prepared || passing, "an item without failure is prepared");
      Prepared& prepared = state.prepared ? *state.prepared : *passing;
      const bool alone = job_.items[static_cast<std::size_t>(item)].net.blocks.size() == 1;
      const bool evicts = alone && job_.protocol.evict_bytes.value_or(0) > 0;
      auto runs = time_runs(prepared, job_.protocol, evicts ? &evictor_ : nullptr, clock_cost_);
      if (const auto* failed = std::get_if<Failure>(&runs)) {
        failure = *failed;
      } else {
        sample.runs = std::get<Sample::Runs>(std::move(runs));
      }
    }
    if (failure) {
      state.failed = true;
      sample.runs = *failure;
    }
    const auto& cores = job_.protocol.cores;
    sample.clock = read_clock_state(cores.empty() ? 0 : cores.front());
    return sample;
  }

  /// Leaves the item ready in its state, or in `passing` where it cannot be kept.
  std::optional<Failure> prepare(int item, std::unique_ptr<Prepared>& passing, Sample& sample) {
    State& state = states_[static_cast<std::size_t>(item)];
    if (state.prepared) return std::nullopt;
    const Item& what = job_.items[static_cast<std::size_t>(item)];
    auto program = program_of(what, job_.seed);
    if (const auto* failure = std::get_if<Failure>(&program)) return *failure;
    const Program& ops = std::get<Program>(program);
    const Plane input = input_of(what, job_.seed);
    auto prepared = backend_.prepare(ops, input);
    if (const auto* failure = std::get_if<Failure>(&prepared)) return *failure;
    passing = std::get<std::unique_ptr<Prepared>>(std::move(prepared));
    if (!state.checked) {
      if (auto failure = compare(*passing, ops, input, sample)) return failure;
      state.checked = true;
    }
    const std::uint64_t bytes = bytes_of(ops);
    if (bytes <= memory_left_) {
      memory_left_ -= bytes;
      state.prepared = std::move(passing);
    }
    return std::nullopt;
  }

  static std::optional<Failure> compare(Prepared& prepared, const Program& program,
                                        const Plane& input, Sample& sample) {
    if (auto failure = prepared.run()) return failure;
    const Plane expected = spaces::run_reference(program.ops, program.weights, {input}, kEpsilon);
    const double difference = relative_difference(prepared.output(), expected);
    if (std::isfinite(difference)) sample.max_difference = difference;
    if (difference <= kLargestDifference) return std::nullopt;
    std::ostringstream reason;
    reason << "its output differs from the reference executor's by " << difference
           << " of the largest value, at most " << kLargestDifference << " is accepted";
    return Failure{reason.str()};
  }

  const Job& job_;
  Backend& backend_;
  const RunnerDoors& doors_;
  std::vector<State> states_;
  Evictor evictor_;
  std::int64_t clock_cost_ = cost_of_thread_clock();  ///< ns
  std::uint64_t memory_left_ = 0;
};

}  // namespace

std::variant<Program, Failure> program_of(const Item& item, std::uint64_t seed) {
  for (const spaces::Placed& placed : item.net.blocks) {
    if (placed.precision == spaces::Precision::fp32) continue;
    return Failure{"the engines here compute in fp32 only; block \"" + key(placed.block) +
                   "\" asks for " + std::string(name_of(placed.precision))};
  }
  const Rng rng = Rng(seed).stream("weights/" + item.name);
  Program program;
  program.input = item.net.input;
  const auto ops = lower(item.net);
  for (std::size_t i = 0; i < ops.size(); ++i) {
    Op op = ops[i].op;
    Rng stream = rng.stream("op", i);
    spaces::OpWeights weights = spaces::random_weights(op, stream);
    spaces::fold_batch_norm(op, weights, kEpsilon);
    program.ops.push_back(std::move(op));
    program.weights.push_back(std::move(weights));
  }
  return program;
}

Plane input_of(const Item& item, std::uint64_t seed) {
  Rng rng = Rng(seed).stream("input/" + item.name);
  const spaces::Shape& shape = item.net.input;
  Plane input{shape, std::vector<float>(std::size_t(shape.height) * std::size_t(shape.width) *
                                        std::size_t(shape.channels))};
  for (float& value : input.values) value = static_cast<float>(2 * rng.uniform() - 1);
  return input;
}

double relative_difference(const Plane& output, const Plane& reference) {
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  if (output.values.size() != reference.values.size()) return kInfinite;
  double largest = 0, difference = 0;
  for (std::size_t i = 0; i < output.values.size(); ++i) {
    if (!std::isfinite(output.values[i]) || !std::isfinite(reference.values[i])) return kInfinite;
    largest = std::max(largest, std::fabs(double(reference.values[i])));
    difference = std::max(difference, std::fabs(double(output.values[i]) - reference.values[i]));
  }
  if (largest == 0) return difference == 0 ? 0 : kInfinite;
  return difference / largest;
}

Ended run_job(const Job& job, Backend& backend, const RunnerDoors& doors) {
  return Runner(job, backend, doors).run();
}

}  // namespace lathe::latency
