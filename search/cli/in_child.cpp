#include "search/cli/in_child.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/file_io.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace lathe::cli {
namespace {

/// The exit code as one byte, then the answer or the message.
std::string reply_of(const std::function<std::string()>& ask) {
  const auto reply = [](ExitCode code, const std::string& text) {
    return static_cast<char>(code) + text;
  };
  try {
    return reply(ExitCode::ok, ask());
  } catch (const Error& error) {
    return reply(error.exit_code(), error.what());
  } catch (const std::exception& error) {
    return reply(ExitCode::bug, error.what());
  }
}

std::string read_all(int descriptor) {
  std::string text;
  std::array<char, 4096> piece{};
  for (std::int64_t size = 0; (size = read_some(descriptor, piece.data(), piece.size())) > 0;)
    text.append(piece.data(), static_cast<std::size_t>(size));
  return text;
}

}  // namespace

std::string in_child(const std::function<std::string()>& ask) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0)
    throw ResourceError(std::string("cannot make a pipe: ") + std::strerror(errno));
  const pid_t child = fork();
  if (child == 0) {
    write_all(ends[1], reply_of(ask));
    _exit(0);  // without this process's destructors and buffers
  }
  close(ends[1]);
  const std::string reply = child > 0 ? read_all(ends[0]) : "";
  close(ends[0]);
  if (child < 0)
    throw ResourceError(std::string("cannot start a process: ") + std::strerror(errno));
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status))
    throw FormatError("its process died of signal " + std::to_string(WTERMSIG(status)) + " (" +
                      strsignal(WTERMSIG(status)) + ")");
  if (reply.empty()) throw FormatError("its process ended without an answer");
  const auto code = static_cast<ExitCode>(static_cast<unsigned char>(reply[0]));
  if (code != ExitCode::ok) throw Error(code, reply.substr(1));
  return reply.substr(1);
}

}  // namespace lathe::cli
