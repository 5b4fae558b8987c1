#include "latency/child_process.hpp"

#include "spaces/base/error.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace lathe::latency {
namespace {

constexpr std::size_t kKeptErrors = 4096;
// Between two looks at whether a program has ended.
constexpr std::chrono::milliseconds kGlance{5};

/// Both ends close on exec, so that children do not hold each other's pipes open.
struct Pipe {
  int read = -1, write = -1;
  explicit Pipe(const std::filesystem::path& program) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) {
      throw DeviceError(program.string() + ": cannot make a pipe: " + std::strerror(errno));
    }
    read = ends[0];
    write = ends[1];
  }
};

void close_end(int& descriptor) {
  if (descriptor >= 0) close(descriptor);
  descriptor = -1;
}

/// Appends what can be read at once; false at the end.
bool drain(int descriptor, std::string& to) {
  std::array<char, 65536> bytes{};
  const ssize_t count = read(descriptor, bytes.data(), bytes.size());
  if (count > 0) to.append(bytes.data(), static_cast<std::size_t>(count));
  return count > 0 || (count < 0 && (errno == EINTR || errno == EAGAIN));
}

}  // namespace

ChildProcess::ChildProcess(const std::filesystem::path& program,
                           const std::vector<std::string>& arguments) {
  Pipe out(program), err(program);
  out_ = out.read;
  err_ = err.read;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out.write, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err.write, STDERR_FILENO);
  std::string name = program.string();
  std::vector<std::string> words = arguments;
  std::vector<char*> argv = {name.data()};
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const int error = posix_spawn(&pid_, name.c_str(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close_end(out.write);
  close_end(err.write);
  if (error != 0) {
    close_end(out_);
    close_end(err_);
    throw DeviceError("cannot start " + name + ": " + std::strerror(error));
  }
}

ChildProcess::~ChildProcess() {
  if (!exit_) {
    kill(pid_, SIGKILL);
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  close_end(out_);
  close_end(err_);
}

std::optional<std::string> ChildProcess::read_line(std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (true) {
    const auto end = buffer_.find('\n');
    if (end != std::string::npos) {
      std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return line;
    }
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (ended_ || left.count() < 0) return std::nullopt;
    read_some(left);
  }
}

void ChildProcess::read_some(std::chrono::milliseconds timeout) {
  // A negative descriptor is left out by poll.
  std::array<pollfd, 2> ends = {{{out_, POLLIN, 0}, {err_, POLLIN, 0}}};
  if (poll(ends.data(), ends.size(), static_cast<int>(timeout.count()) + 1) <= 0) return;
  if (ends[1].revents != 0) {
    if (!drain(err_, errors_)) close_end(err_);
    if (errors_.size() > kKeptErrors) errors_.erase(0, errors_.size() - kKeptErrors);
  }
  if (ends[0].revents != 0 && !drain(out_, buffer_)) {
    close_end(out_);
    ended_ = true;
  }
}

void ChildProcess::terminate() const {
  if (!exit_) kill(pid_, SIGTERM);
}

ChildProcess::Exit ChildProcess::wait(std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (!collect()) {
    if (std::chrono::steady_clock::now() > deadline) kill(pid_, SIGKILL);
    read_some(kGlance);
  }
  read_some(std::chrono::milliseconds(0));  // its last words
  return *exit_;
}

bool ChildProcess::collect() {
  if (exit_) return true;
  int status = 0;
  const pid_t ended = waitpid(pid_, &status, WNOHANG);
  if (ended == 0 || (ended < 0 && errno == EINTR)) return false;
  Exit exit;
  if (WIFSIGNALED(status)) {
    exit.signal = WTERMSIG(status);
  } else {
    exit.code = WEXITSTATUS(status);
  }
  exit_ = exit;
  return true;
}

}  // namespace lathe::latency
