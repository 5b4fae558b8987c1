#pragma once

#include "latency/job.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lathe::latency {

/// Frequency of that core and the hottest thermal zone, as /sys tells; absent where it does not.
ClockState read_clock_state(int core);

/// Binds this thread, and those that it will start, to these cores; empty: nothing is done. Throws
/// DeviceError naming the cores where the system refuses.
void pin_to(const std::vector<int>& cores);

/// The CPU's model ("unknown" where the system does not tell), system and processors.
DeviceInfo describe_machine();

/// Bytes that can be used without swapping, or nullopt where the system does not tell.
std::optional<std::uint64_t> available_memory();

}  // namespace lathe::latency
