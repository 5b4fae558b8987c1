#pragma once

#include "latency/device.hpp"

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

namespace lathe::latency {

/// What preparing an item and comparing it with the reference executor may take, generously.
constexpr std::chrono::milliseconds kProbePatience{120000};

/// The machine itself, through lathe-probe as a process of its own: an engine that crashes costs
/// one item and not the run. The process that measured an item and died (or was killed) is
/// replaced; after Protocol::max_attempts deaths in one item, that item is a Failure. One that
/// writes no line for `patience` and 100 times Protocol::max_time is killed, and a DeviceError
/// names the item; time in which this process is stopped does not count. `probe` is the program's
/// file; DeviceError at first use if it cannot be started, naming it.
std::unique_ptr<Device> make_local_device(const std::filesystem::path& probe,
                                          const std::string& engine,
                                          std::chrono::milliseconds patience = kProbePatience);

/// lathe-probe beside this program.
std::filesystem::path probe_beside_program();

}  // namespace lathe::latency
