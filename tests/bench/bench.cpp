#include "tests/bench/bench.hpp"

#include "latency/statistics.hpp"
#include "spaces/base/error.hpp"
#include "spaces/base/run_dir.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <optional>

namespace lathe::bench {
namespace {

using nlohmann::json;

/// What the arguments ask for.
struct Options {
  std::vector<std::string> only;
  int runs = 15;
  double min_time_ms = 20;
  bool list = false;
};

double cpu_us(Clock clock) {
  timespec time{};
  clock_gettime(clock == Clock::thread_cpu ? CLOCK_THREAD_CPUTIME_ID : CLOCK_PROCESS_CPUTIME_ID,
                &time);
  return 1e6 * static_cast<double>(time.tv_sec) + 1e-3 * static_cast<double>(time.tv_nsec);
}

/// CPU and wall time of one run, us.
struct Times {
  double cpu = 0, wall = 0;
};

Times timed(const std::function<void(std::int64_t)>& work, std::int64_t items, Clock clock) {
  using Steady = std::chrono::steady_clock;
  const Steady::time_point start = Steady::now();
  const double before = cpu_us(clock);
  work(items);
  const double after = cpu_us(clock);
  const std::chrono::duration<double, std::micro> wall = Steady::now() - start;
  return {after - before, wall.count()};
}

/// Ranks, from 0, of the order statistics that hold the median with at least 95 %: the largest
/// rank at which the lower tail of the binomial distribution with chance 1/2 is at most 2.5 %.
std::size_t interval_rank(std::size_t samples) {
  double tail = 0, term = std::pow(0.5, static_cast<double>(samples));
  std::size_t rank = 0;
  for (std::size_t i = 0; i < samples / 2; ++i) {
    tail += term;
    if (tail > 0.025) break;
    rank = i;
    term *= static_cast<double>(samples - i) / static_cast<double>(i + 1);
  }
  return rank;
}

json measured(const Benchmark& benchmark, const Options& options) {
  const auto work = benchmark.make();
  std::int64_t items = 1;
  for (double cpu = 0;
       (cpu = timed(work, items, benchmark.clock).cpu) < 1e3 * options.min_time_ms;) {
    const double factor = std::clamp(1.2e3 * options.min_time_ms / std::max(cpu, 1.0), 1.5, 100.0);
    items = static_cast<std::int64_t>(std::ceil(static_cast<double>(items) * factor));
  }
  std::vector<double> samples, wall_samples;
  for (int run = 0; run < options.runs; ++run) {
    const Times times = timed(work, items, benchmark.clock);
    samples.push_back(times.cpu / static_cast<double>(items));
    wall_samples.push_back(times.wall / static_cast<double>(items));
  }
  std::vector<double> sorted = samples;
  std::sort(sorted.begin(), sorted.end());
  const std::size_t rank = interval_rank(sorted.size());
  return {{"name", benchmark.name},
          {"per", benchmark.per},
          {"unit", "us"},
          {"statistic", "median"},
          {"clock", benchmark.clock == Clock::thread_cpu ? "thread_cpu" : "process_cpu"},
          {"value", latency::median(samples)},
          {"low", sorted[rank]},
          {"high", sorted[sorted.size() - 1 - rank]},
          {"wall", latency::median(wall_samples)},
          {"items", items},
          {"samples", samples},
          {"wall_samples", wall_samples}};
}

std::optional<double> number_of(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !(value > 0)) return std::nullopt;
  return value;
}

Options options_of(int argc, char** argv, const std::vector<Benchmark>& benchmarks) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const std::string value = i + 1 < argc ? argv[i + 1] : "";
    const auto refuse = [&](const std::string& expected) {
      throw ConfigError(Problem{word, expected, quote(value), ""});
    };
    if (word == "--list") {
      options.list = true;
      continue;
    }
    if (word == "--only") {
      const bool known = std::any_of(benchmarks.begin(), benchmarks.end(),
                                     [&](const Benchmark& b) { return b.name == value; });
      if (!known) refuse("a name that --list shows");
      options.only.push_back(value);
    } else if (word == "--runs") {
      const auto runs = number_of(value);
      if (!runs || *runs != std::floor(*runs) || *runs > 1e6) refuse("a whole number above 0");
      options.runs = static_cast<int>(*runs);
    } else if (word == "--min-time") {
      const auto time = number_of(value);
      if (!time) refuse("milliseconds of a run, above 0");
      options.min_time_ms = *time;
    } else {
      throw ConfigError(
          Problem{argv[0], "--only NAME, --runs N, --min-time MS or --list", quote(word), ""});
    }
    ++i;
  }
  return options;
}

void run(const Options& options, const std::vector<Benchmark>& benchmarks) {
  for (const Benchmark& benchmark : benchmarks) {
    const auto& only = options.only;
    const bool asked =
        only.empty() || std::find(only.begin(), only.end(), benchmark.name) != only.end();
    if (!asked) continue;
    if (options.list) {
      std::printf("%s\n", benchmark.name.c_str());
      continue;
    }
    json line = measured(benchmark, options);
    line.update(to_json(build_info()));
    line["date"] = utc_now();
    std::printf("%s\n", line.dump().c_str());
    std::fflush(stdout);
  }
}

}  // namespace

int run_all(int argc, char** argv, const std::vector<Benchmark>& benchmarks) {
  try {
    run(options_of(argc, argv, benchmarks), benchmarks);
    return 0;
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return static_cast<int>(error.exit_code());
  }
}

}  // namespace lathe::bench
