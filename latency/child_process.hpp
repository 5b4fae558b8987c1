#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace lathe::latency {

/// A program that was started, with pipes from its stdout and stderr; killed and collected when
/// this dies. Not thread-safe.
class ChildProcess {
 public:
  /// Throws DeviceError naming the program if it cannot be started.
  ChildProcess(const std::filesystem::path& program, const std::vector<std::string>& arguments);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  /// The next whole line of stdout, without its newline; nullopt after `timeout` or at the end. A
  /// last line that lacks its newline is torn and dropped.
  std::optional<std::string> read_line(std::chrono::milliseconds timeout);
  /// True once stdout has ended and all lines are read.
  bool at_end() const { return ended_ && buffer_.find('\n') == std::string::npos; }
  /// SIGTERM: asks the program to end.
  void terminate() const;
  /// Waits for the end; a program that has not ended after `timeout` is killed.
  struct Exit {
    int code = 0;    ///< exit code, if no signal
    int signal = 0;  ///< that killed it, or 0
  };
  Exit wait(std::chrono::milliseconds timeout);
  /// The last part of what it wrote to stderr so far.
  const std::string& errors() const { return errors_; }

 private:
  void read_some(std::chrono::milliseconds timeout);
  /// True once it has ended, which it may before its pipes do.
  bool collect();

  pid_t pid_ = -1;
  int out_ = -1, err_ = -1;
  bool ended_ = false;
  std::optional<Exit> exit_;
  std::string buffer_, errors_;
};

}  // namespace lathe::latency
