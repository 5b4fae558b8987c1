#pragma once

#include "spaces/base/error.hpp"

#include <string>

namespace lathe::test {

/// What a refused input must say: the beginnings of the four parts of its message. No remedy: none
/// is asked for.
struct Refusal {
  std::string where, expected, found, remedy;
};

/// "" if `body` throws an Error of that exit code whose message has all four parts; else what it
/// did instead.
template <typename Body>
std::string unlike(const Refusal& refusal, ExitCode code, const Body& body) {
  try {
    body();
  } catch (const Error& error) {
    const std::string message = error.what();
    std::size_t at = 0;
    const std::string remedy = refusal.remedy.empty() ? "" : "; " + refusal.remedy;
    for (const std::string& part : {refusal.where, ": expected " + refusal.expected,
                                    ", got " + refusal.found, remedy}) {
      at = message.find(part, at);
      if (at == std::string::npos) return message + " (lacks \"" + part + "\")";
      at += part.size();
    }
    if (message.find('\n') != std::string::npos) return message + " (more than one line)";
    return error.exit_code() == code ? "" : message + " (exit code)";
  }
  return "not refused";
}

}  // namespace lathe::test
