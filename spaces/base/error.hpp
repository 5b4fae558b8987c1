#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace lathe {

/// The four parts of every message that a user sees; `remedy` may be empty.
struct Problem {
  std::string where;     ///< file and JSON pointer, file and line, flag, or device and command
  std::string expected;  ///< "an integer in [8, 4096]", without a full stop
  std::string found;     ///< "4", "nothing", "the folder runs/a"
  std::string remedy;    ///< what to do, if we know
};

/// "where: expected X, got Y" and, if there is a remedy, "; remedy"; one line, escaped as by quote.
std::string text(const Problem& problem);

/// `word` in double quotes for a message: control characters and bytes that are no UTF-8 as \\xNN,
/// longer than 80 bytes cut with "...".
std::string quote(std::string_view word);

/// Exit codes of the program; docs/architecture.md explains them.
enum class ExitCode {
  ok = 0,
  bug = 1,
  usage = 2,
  input = 3,
  device = 4,
  infeasible = 5,
  check_failed = 6,
  resource = 7,
  interrupted = 130
};

/// Base of every error that we throw on purpose; what() is one line for the user.
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ExitCode exit_code() const noexcept { return code_; }

 private:
  ExitCode code_;
};

/// What was typed, or a config (exit 2).
class ConfigError : public Error {
 public:
  explicit ConfigError(const std::string& message) : Error(ExitCode::usage, message) {}
  explicit ConfigError(const Problem& problem) : Error(ExitCode::usage, text(problem)) {}
};

/// Another input file is missing, stale or broken (exit 3).
class FormatError : public Error {
 public:
  explicit FormatError(const std::string& message) : Error(ExitCode::input, message) {}
  explicit FormatError(const Problem& problem) : Error(ExitCode::input, text(problem)) {}
};

/// A table, checkpoint or folder lacks something that was asked of it (exit 3).
class MissingEntry : public Error {
 public:
  explicit MissingEntry(const std::string& message) : Error(ExitCode::input, message) {}
  explicit MissingEntry(const Problem& problem) : Error(ExitCode::input, text(problem)) {}
};

/// The device is lost or refused (exit 4).
class DeviceError : public Error {
 public:
  explicit DeviceError(const std::string& message) : Error(ExitCode::device, message) {}
};

/// Nothing satisfies the constraints (exit 5).
class InfeasibleError : public Error {
 public:
  explicit InfeasibleError(const std::string& message) : Error(ExitCode::infeasible, message) {}
};

/// A result failed its own check: collapse, NaN, an export that differs, a budget not proved (exit
/// 6).
class CheckFailed : public Error {
 public:
  explicit CheckFailed(const std::string& message) : Error(ExitCode::check_failed, message) {}
};

/// Out of disk or memory (exit 7).
class ResourceError : public Error {
 public:
  explicit ResourceError(const std::string& message) : Error(ExitCode::resource, message) {}
};

/// Stopped by the user; state is saved (exit 130).
class Interrupted : public Error {
 public:
  explicit Interrupted(const std::string& message) : Error(ExitCode::interrupted, message) {}
};

/// A bug of ours (exit 1); thrown by LATHE_CHECK.
class LogicError : public Error {
 public:
  explicit LogicError(const std::string& message) : Error(ExitCode::bug, message) {}
};

/// One item's failure, as a value: the search or the measuring goes on.
struct Failure {
  std::string reason;
};

/// The word of `known` nearest to `word`, the first of several as near, or empty: for "did you
/// mean". The distance counts insertions, deletions, substitutions and swaps of neighbours (Damerau
/// 1964, as optimal string alignment) and is at most a third of the word's length, but 1 is always
/// near.
std::string nearest_word(std::string_view word, const std::vector<std::string>& known);

namespace detail {
/// Throws LogicError naming the source file, its line and the condition.
[[noreturn]] void check_failed(const char* condition, const char* file, int line,
                               const std::string& message);
}  // namespace detail

}  // namespace lathe

/// On in every build; the message is a std::string expression.
#define LATHE_CHECK(condition, message) \
  ((condition) ? void(0) : ::lathe::detail::check_failed(#condition, __FILE__, __LINE__, (message)))
