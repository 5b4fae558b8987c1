#pragma once

#include "latency/device/backend.hpp"
#include "latency/job.hpp"

#include <cstdint>
#include <functional>
#include <variant>

namespace lathe::latency {

/// Largest accepted difference of an engine's output from the reference's, over the reference's
/// largest value. Five engines agree with each other to 1e-5 of it in fp32; a wrong kernel or a
/// missing op is off by far more.
constexpr double kLargestDifference = 1e-4;

struct RunnerDoors {
  std::function<void(const ProbeLine&)> write;
  std::function<bool()> stop;  ///< true: end after the current item
};

/// Ops of the item with random weights (streams of the seed named by the item), batch norm folded;
/// or why there is no such program.
std::variant<Program, Failure> program_of(const Item& item, std::uint64_t seed);
/// Uniform in [-1, 1), a stream of the seed named by the item.
spaces::Plane input_of(const Item& item, std::uint64_t seed);

/// Largest absolute difference over the reference's largest absolute value. Infinite where the
/// output is not finite or has another shape.
double relative_difference(const spaces::Plane& output, const spaces::Plane& reference);

/// Runs the job: in every round all items in an order of its own, each prepared once and kept while
/// half of the free memory suffices, compared with the reference before its first time. Writes
/// Began before and Sample after each; returns whether it was stopped.
Ended run_job(const Job& job, Backend& backend, const RunnerDoors& doors);

}  // namespace lathe::latency
