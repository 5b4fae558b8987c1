// The program that runs on the device. It takes a job and writes one JSON object per line on stdout
// (docs/file-formats/measurement-log.md, "What lathe-probe writes").

#include "latency/device/backend.hpp"
#include "latency/device/clock_state.hpp"
#include "latency/device/runner.hpp"
#include "latency/job.hpp"
#include "spaces/base/json_io.hpp"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <signal.h>
#include <string>
#include <vector>

namespace lathe::latency {
namespace {

constexpr const char* kUsage =
    "usage: lathe-probe JOB.json\n"
    "       lathe-probe --info ENGINE\n"
    "Runs the job of `lathe measure` on this machine, or tells what machine and engine this is.\n"
    "SIGINT, SIGTERM or SIGHUP: ends after the current item.\n"
    "For tests: --crash-on ITEM kills the program where that item begins, --hang-on ITEM stops it\n"
    "there.\n";

struct Options {
  std::string job, info, crash_on, hang_on;
  bool help = false;
};

Options parse_options(const std::vector<std::string>& words) {
  Options options;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto value = [&] {
      if (i + 1 == words.size()) throw ConfigError(words[i] + ": expected a value, got nothing");
      return words[++i];
    };
    if (words[i] == "--help") {
      options.help = true;
    } else if (words[i] == "--info") {
      options.info = value();
    } else if (words[i] == "--crash-on") {
      options.crash_on = value();
    } else if (words[i] == "--hang-on") {
      options.hang_on = value();
    } else if (options.job.empty() && words[i].compare(0, 1, "-") != 0) {
      options.job = words[i];
    } else {
      throw ConfigError("lathe-probe: expected one job file or --info ENGINE, got " + words[i]);
    }
  }
  if (!options.help && options.job.empty() == options.info.empty()) {
    throw ConfigError("lathe-probe: expected a job file or --info ENGINE, got " +
                      std::string(options.job.empty() ? "neither" : "both"));
  }
  return options;
}

void write_line(const ProbeLine& line) {
  const std::string text = dump_json_line(to_json(line)) + '\n';
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    throw ResourceError("lathe-probe: cannot write to stdout");
  }
}

void write_started(const std::string& engine, const Backend& backend, int core) {
  Started started;
  started.device = describe_machine();
  started.device.engine = engine;
  started.device.engine_version = backend.version();
  started.clock = read_clock_state(core);
  write_line(started);
}

void run(const Options& options) {
  const EngineJob job =
      engine_job_from_json(load_json(options.job, Comments::refused), options.job);
  const Protocol& protocol = job.job.protocol;
  pin_to(protocol.cores);
  const auto backend = make_backend(job.engine, protocol.threads);
  write_started(job.engine, *backend, protocol.cores.empty() ? 0 : protocol.cores.front());
  RunnerDoors doors;
  doors.write = [&](const ProbeLine& line) {
    write_line(line);
    const auto* began = std::get_if<Began>(&line);
    if (began == nullptr) return;
    const std::string& name = job.job.items[static_cast<std::size_t>(began->item)].name;
    if (name == options.crash_on) raise(SIGKILL);
    if (name == options.hang_on) raise(SIGSTOP);
  };
  // The signals are blocked, so a stop shows as pending, and no handler with its global is needed.
  doors.stop = [] {
    sigset_t pending;
    return sigpending(&pending) == 0 &&
           (sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1 ||
            sigismember(&pending, SIGHUP) == 1);
  };
  write_line(run_job(job.job, *backend, doors));
}

int main_of(const std::vector<std::string>& words) {
  const Options options = parse_options(words);
  if (options.help) {
    std::fputs(kUsage, stdout);
  } else if (!options.info.empty()) {
    write_started(options.info, *make_backend(options.info, 1), 0);
  } else {
    run(options);
  }
  return 0;
}

}  // namespace
}  // namespace lathe::latency

int main(int argc, char** argv) {
  sigset_t stops;
  sigemptyset(&stops);
  sigaddset(&stops, SIGINT);
  sigaddset(&stops, SIGTERM);
  sigaddset(&stops, SIGHUP);
  sigprocmask(SIG_BLOCK, &stops, nullptr);
  try {
    return lathe::latency::main_of({argv + 1, argv + argc});
  } catch (const lathe::Error& error) {
    std::fprintf(stderr, "lathe-probe: %s\n", error.what());
    return static_cast<int>(error.exit_code());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "lathe-probe: unexpected: %s\n", error.what());
    return 1;
  }
}
