#pragma once

#include "search/cli/finding.hpp"

#include <filesystem>
#include <string>

namespace lathe::cli {

// What this machine tells of itself. `root` is where proc/ and sys/ lie: "/", or a test's folder.
// What a machine does not tell is left out of the facts and said in words.

/// Model, cores and the instruction sets that matter to XNNPACK and LibTorch.
Finding processor_finding(const std::filesystem::path& root);
/// Installed and available memory, or what the container's limit leaves of it.
Finding memory_finding(const std::filesystem::path& root);
/// What can be read of frequency, turbo, temperature and throttling of the first core.
Finding clock_finding(const std::filesystem::path& root);
/// How many cores were busy between two readings of proc/stat, time that the host took included.
Finding load_finding(const std::string& earlier, const std::string& later);
/// Free space where the folder lies.
Finding disk_finding(const std::filesystem::path& folder);

}  // namespace lathe::cli
