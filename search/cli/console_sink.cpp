#include "search/cli/console_sink.hpp"

#include "search/cli/progress_text.hpp"
#include "spaces/base/json_io.hpp"
#include "spaces/base/run_dir.hpp"

#include <nlohmann/json.hpp>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <mutex>
#include <optional>
#include <string>
#include <sys/ioctl.h>
#include <unistd.h>

namespace lathe::cli {
namespace {

using Steady = std::chrono::steady_clock;

// A signal handler has no argument to find its flag through, so this one variable is the process's.
volatile std::sig_atomic_t stop_signal = 0;

// A terminal that closes asks to stop, too.
constexpr std::array<int, 3> kStopSignals = {SIGINT, SIGTERM, SIGHUP};

void install(int signal, void (*handler)(int));

extern "C" void on_stop_signal(int signal) {
  stop_signal = signal;
  install(SIGINT, SIG_DFL);  // the second one ends the program
  install(SIGTERM, SIG_DFL);
  install(SIGHUP, SIG_IGN);  // shell and system both send it where a terminal closes
}

/// SIGHUP stays ignored where it is: that is what nohup is for.
void install(int signal, void (*handler)(int)) {
  struct sigaction action {};
  sigaction(signal, nullptr, &action);
  if (signal == SIGHUP && action.sa_handler == SIG_IGN) return;
  action = {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;  // reads in progress go on; the libraries poll the flag
  sigaction(signal, &action, nullptr);
}

int terminal_columns() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

constexpr int kLongestLine = 200;
constexpr std::chrono::milliseconds kRedraw(200);
constexpr std::chrono::seconds kPlainLine(10);

}  // namespace

struct ConsoleSink::Console {
  std::mutex mutex;
  bool quiet = false;
  bool terminal = isatty(STDERR_FILENO) == 1;
  std::shared_ptr<spdlog::logger> log;
  std::optional<JsonlWriter> record;
  Steady::time_point start = Steady::now();

  std::string activity;  // of the progress shown, since when and from where
  Steady::time_point activity_start, last_shown;
  double done_at_start = 0;
  std::string line;  // on the terminal now; empty: none
  bool told_to_wait = false;

  void clear_line() const {
    if (!line.empty()) std::fputs("\r\033[K", stderr);
  }
  /// The width is asked for each time, so that a resized terminal needs no signal.
  void draw_line() const {
    if (!line.empty()) std::fputs(shortened(line, terminal_columns() - 1).c_str(), stderr);
    std::fflush(stderr);
  }
};

ConsoleSink::ConsoleSink(bool quiet) : console_(std::make_unique<Console>()) {
  console_->quiet = quiet;
  auto out = std::make_shared<spdlog::sinks::stderr_color_sink_mt>(
      console_->terminal ? spdlog::color_mode::always : spdlog::color_mode::never);
  console_->log = std::make_shared<spdlog::logger>("lathe", out);
  console_->log->set_pattern("%H:%M:%S %^%v%$");
  console_->log->set_level(quiet ? spdlog::level::warn : spdlog::level::info);
  for (const int signal : kStopSignals) install(signal, on_stop_signal);
}

ConsoleSink::~ConsoleSink() {
  console_->clear_line();
  std::fflush(stderr);
  for (const int signal : kStopSignals) install(signal, SIG_DFL);
}

void ConsoleSink::record_to(const std::filesystem::path& file) {
  const std::lock_guard<std::mutex> lock(console_->mutex);
  console_->record.emplace(file);
}

void ConsoleSink::event(const Event& event) {
  const std::lock_guard<std::mutex> lock(console_->mutex);
  const char* level = event.level == Level::warn   ? "warn"
                      : event.level == Level::info ? "info"
                                                   : "debug";
  if (console_->record) {
    const std::chrono::duration<double> since_start = Steady::now() - console_->start;
    console_->record->append({{"time", utc_now()},
                              {"elapsed_s", since_start.count()},
                              {"level", level},
                              {"name", event.name},
                              {"fields", event.fields}});
  }
  if (event.level == Level::debug || (console_->quiet && event.level != Level::warn)) return;
  console_->clear_line();
  const std::string text = event_line(event.name, event.fields);
  if (event.level == Level::warn) {
    console_->log->warn("warning: {}", text);
  } else {
    console_->log->info("{}", text);
  }
  console_->draw_line();
}

void ConsoleSink::progress(const Progress& progress) {
  const std::lock_guard<std::mutex> lock(console_->mutex);
  Console& console = *console_;
  if (console.quiet) return;
  if (stop_signal != 0 && !console.told_to_wait) {
    console.told_to_wait = true;
    console.clear_line();
    console.log->info("stopping after what is under way; a second signal ends it at once");
    console.draw_line();
  }
  const auto now = Steady::now();
  if (progress.activity != console.activity || progress.done < console.done_at_start) {
    console.activity = progress.activity;
    console.activity_start = now;
    console.last_shown = console.terminal ? Steady::time_point() : now;
    console.done_at_start = progress.done;
  }
  const bool ended = progress.done >= progress.total;
  const auto interval = console.terminal ? Steady::duration(kRedraw) : Steady::duration(kPlainLine);
  if (now - console.last_shown < interval && !(ended && console.terminal)) return;
  console.last_shown = now;
  const Micros elapsed = now - console.activity_start;
  if (!console.terminal) {
    console.log->info("{}",
                      progress_line(progress, elapsed, console.done_at_start, kLongestLine, false));
    return;
  }
  console.clear_line();
  console.line =
      ended ? "" : progress_line(progress, elapsed, console.done_at_start, kLongestLine, true);
  console.draw_line();
}

bool ConsoleSink::stop_requested() const { return stop_signal != 0; }

}  // namespace lathe::cli
