#pragma once

#include "latency/job.hpp"
#include "spaces/base/event.hpp"

#include <functional>

namespace lathe::latency {

/// A machine with an engine on it. Not thread-safe.
class Device {
 public:
  virtual ~Device() = default;
  /// Throws DeviceError if the device does not answer, or has no such engine.
  virtual DeviceInfo info() = 0;
  /// Runs all rounds and hands every sample to `sink` as it comes, so that a lost device costs what
  /// was not yet measured and no more. Each item's output is compared with the reference executor
  /// first (but for items with rounds in Job::done); a difference above 1e-4 of its largest value
  /// is that item's Failure, after which the item is not run again. Throws DeviceError if the
  /// device is lost, Interrupted if `events` asks to stop.
  virtual void measure(const Job& job, const std::function<void(const Sample&)>& sink,
                       EventSink& events) = 0;
};

}  // namespace lathe::latency
