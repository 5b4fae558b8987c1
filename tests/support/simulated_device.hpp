#pragma once

#include "latency/device.hpp"
#include "spaces/base/rng.hpp"
#include "spaces/cost.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace lathe::test {

/// A formula plus seeded noise, for tests only: each block takes 20 us and 1 us per 10,000 MACs; a
/// network of several takes their sum times `network_factor`; a run adds up to `noise` of it.
/// Samples depend on item and round alone, so that a resumed measuring gives what an uninterrupted
/// one does.
class SimulatedDevice : public latency::Device {
 public:
  latency::DeviceInfo device{"simulated", "formula", "none", "formula", "1", 1};
  double noise = 0.02, network_factor = 1.05;
  std::set<std::string> failing;  ///< names of items that fail
  /// Samples after which the device is lost; negative: never.
  int lost_after = -1;
  /// What was measured, in order.
  std::vector<std::pair<int, int>> measured;

  latency::DeviceInfo info() override { return device; }

  void measure(const latency::Job& job, const std::function<void(const latency::Sample&)>& sink,
               EventSink& events) override {
    std::set<int> failed;
    for (int round = 0; round < job.protocol.rounds; ++round) {
      std::vector<int> order(job.items.size());
      for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int>(i);
      Rng rng = Rng(job.seed).stream("order", static_cast<std::uint64_t>(round));
      rng.shuffle(order);
      for (const int item : order) {
        if (failed.count(item) > 0 || is_done(job, item, round)) continue;
        if (events.stop_requested()) throw Interrupted("stopped while measuring");
        if (lost_after == 0) throw DeviceError("simulated: the device is lost");
        lost_after -= lost_after > 0 ? 1 : 0;
        const latency::Sample sample = run(job, item, round);
        if (std::holds_alternative<Failure>(sample.runs)) failed.insert(item);
        measured.emplace_back(item, round);
        sink(sample);
      }
    }
  }

  /// Without noise.
  Micros latency_of(const spaces::NetworkSpec& net) const {
    Micros sum{0};
    for (const spaces::Placed& placed : net.blocks) {
      sum += Micros{20 + static_cast<double>(spaces::count(placed.block).macs) / 1e4};
    }
    return net.blocks.size() > 1 ? network_factor * sum : sum;
  }

 private:
  static bool is_done(const latency::Job& job, int item, int round) {
    if (job.done.empty()) return false;
    const auto& done = job.done[static_cast<std::size_t>(item)];
    return std::find(done.begin(), done.end(), round) != done.end();
  }

  latency::Sample run(const latency::Job& job, int item, int round) const {
    const latency::Item& what = job.items[static_cast<std::size_t>(item)];
    latency::Sample sample;
    sample.item = item;
    sample.round = round;
    if (failing.count(what.name) > 0) {
      sample.runs = Failure{"the simulated engine has no such kernel"};
      return sample;
    }
    Rng rng = Rng(job.seed).stream(what.name, static_cast<std::uint64_t>(round));
    latency::Sample::Runs runs;
    for (int i = 0; i < job.protocol.runs; ++i) {
      const Micros time = latency_of(what.net) * (1 + noise * rng.uniform());
      runs.by_clock.push_back(time);
      runs.wall.push_back(1.1 * time);
    }
    sample.runs = std::move(runs);
    return sample;
  }
};

}  // namespace lathe::test
