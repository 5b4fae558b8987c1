#pragma once

#include "spaces/base/event.hpp"

#include <nlohmann/json.hpp>

#include <atomic>
#include <cstddef>
#include <mutex>
#include <string>
#include <vector>

namespace lathe::test {

/// An event as it was when it came.
struct RecordedEvent {
  Level level;
  std::string name;
  nlohmann::json fields;
};

/// Keeps what it is given, in order of arrival, and asks to stop when told to. Thread-safe.
class RecordingSink : public EventSink {
 public:
  void event(const Event& event) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    events_.push_back({event.level, event.name, event.fields});
    if (stop_after_name_ == event.name && ++seen_ >= stop_after_count_) stop_ = true;
  }
  void progress(const Progress& progress) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    progress_.push_back(progress);
  }
  bool stop_requested() const override { return stop_; }

  /// Sets the flag, as a signal would.
  void request_stop(bool stop = true) { stop_ = stop; }
  /// Sets the flag when the count-th event of this name comes.
  void stop_after(const std::string& name, std::size_t count) {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_after_name_ = name;
    stop_after_count_ = count;
    seen_ = 0;
  }

  std::vector<RecordedEvent> events() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return events_;
  }
  /// Those of this name.
  std::vector<RecordedEvent> events(const std::string& name) const {
    std::vector<RecordedEvent> named;
    for (RecordedEvent& event : events()) {
      if (event.name == name) named.push_back(std::move(event));
    }
    return named;
  }
  std::vector<Progress> progress_reports() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return progress_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<RecordedEvent> events_;
  std::vector<Progress> progress_;
  std::string stop_after_name_;
  std::size_t stop_after_count_ = 0, seen_ = 0;
  std::atomic<bool> stop_{false};
};

}  // namespace lathe::test
