#pragma once

#include "search/cli/finding.hpp"
#include "search/cli/options.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace lathe::cli {

// What Lathe finds of its own parts and of other programs. None of them throws because something
// is missing or broken: that is the finding.

/// The folder with spaces/, and the images that the quickstart trains on beside it.
std::vector<Finding> config_findings(const General& general);
/// lathe-probe, and the engines in it: each is asked for its version in a process of its own.
std::vector<Finding> probe_findings(const std::filesystem::path& probe);
/// LibTorch, opened through the door in a process of its own.
Finding torch_finding();
/// ONNX Runtime as find_onnxruntime sees it from `folder`, opened in a process of its own.
Finding onnxruntime_finding(const std::filesystem::path& folder);
/// adb with its devices, and ssh: found in `search_path` (folders with colons between them), but
/// not needed yet.
std::vector<Finding> remote_findings(const std::string& search_path);

}  // namespace lathe::cli
