#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

// Our own speed (docs/benchmarks.md). A program lists benchmarks and calls run_all; it links no
// torch unless its own benchmarks do.

namespace lathe::bench {

/// Which CPU time counts: of the thread that runs the benchmark, or of all threads of the process.
enum class Clock { thread_cpu, process_cpu };

/// One thing that is timed.
struct Benchmark {
  std::string name;  ///< "decode"
  std::string per;   ///< what one item is: "network", "evaluation"
  /// Makes what the benchmark needs (not timed) and returns the work: a function that does the
  /// thing that many times.
  std::function<std::function<void(std::int64_t items)>()> make;
  Clock clock = Clock::thread_cpu;
};

/// Keeps the compiler from leaving out what computes `value`.
template <typename T>
void keep(const T& value) {
  asm volatile("" : : "g"(&value) : "memory");
}

/// The program: `PROGRAM [--only NAME]... [--runs N] [--min-time MS] [--list]`. Per benchmark one
/// run to find how many items take the least time (by the clock) and to warm up, then N runs. Each
/// prints a line of JSON: name, per, unit "us", statistic "median", value (CPU time per item), low
/// and high (95 % confidence interval of the median), wall (median wall time per item), items (of
/// a run), samples and wall_samples (per item, one per run), clock, and what made it: version,
/// revision, dirty, compiler, build_type, date. Returns the exit code: 2 for a wrong argument.
int run_all(int argc, char** argv, const std::vector<Benchmark>& benchmarks);

}  // namespace lathe::bench
