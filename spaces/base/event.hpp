#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace lathe {

enum class Level { debug, info, warn };

/// What a long-running function reports to whoever runs it.
struct Event {
  Level level;
  std::string name;              ///< "train.epoch", "measure.block", "search.generation"
  const nlohmann::json& fields;  ///< an object; lives for the duration of the call
};

/// How far a long-running function has come, for a progress bar.
struct Progress {
  std::string activity;  ///< "measuring blocks", "training: width"
  double done;           ///< in any unit, 0 to total
  double total;
  std::string detail;  ///< best so far, loss, ...; may be empty
};

/// Where events go, and where a request to stop comes from. Given to the few long-running
/// functions; libraries never print. Implementations are thread-safe.
class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void event(const Event& event) = 0;
  /// Called as often as convenient; the sink limits the rate and computes the time left.
  virtual void progress(const Progress& progress) = 0;
  /// True once the user asked to stop (SIGINT, SIGTERM): finish the item, save, throw Interrupted.
  virtual bool stop_requested() const { return false; }
};

}  // namespace lathe
