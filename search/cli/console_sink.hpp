#pragma once

#include "spaces/base/event.hpp"

#include <filesystem>
#include <memory>

namespace lathe::cli {

/// Where the events of a long command go: each is one line of events.jsonl, and info and warnings
/// go to stderr. Progress is one line that rewrites itself on a terminal, else a line every 10 s.
/// While it lives, the first SIGINT or SIGTERM asks to stop and the second ends the program.
class ConsoleSink final : public EventSink {
 public:
  /// quiet: only warnings on stderr, no progress.
  explicit ConsoleSink(bool quiet);
  ~ConsoleSink() override;
  ConsoleSink(const ConsoleSink&) = delete;
  ConsoleSink& operator=(const ConsoleSink&) = delete;

  /// From now on every event is also a line of that file (appended).
  void record_to(const std::filesystem::path& file);

  void event(const Event& event) override;
  void progress(const Progress& progress) override;
  bool stop_requested() const override;

 private:
  struct Console;
  std::unique_ptr<Console> console_;
};

}  // namespace lathe::cli
