#pragma once

#include <functional>
#include <string>

namespace lathe::cli {

/// Runs `ask` in a forked process, so that what it loads does not stay in this one and a crash
/// costs nothing; returns its answer. A lathe::Error of `ask` is thrown here with its exit code; if
/// the process dies, FormatError says how. Only for a process with one thread.
std::string in_child(const std::function<std::string()>& ask);

}  // namespace lathe::cli
