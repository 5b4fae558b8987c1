#pragma once

#include "spaces/base/error.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

// What all fuzz targets share. A target is one file:
//
//     #include "tests/fuzz/fuzz.hpp"
//     LATHE_FUZZ_TARGET(bytes) { lathe::parse_json(bytes, "input", lathe::Comments::refused); }
//
// Its body may throw what refuses an input: an Error of exit code 2 or 3 whose message is one line
// of printable text. Anything else, an Error of another code, LogicError or a standard exception,
// is a finding, as are crashes, leaks, undefined behaviour, and too much time or memory.

namespace lathe::fuzz {

/// Ends the process, so that libFuzzer keeps the input, where the error is no proper refusal.
inline void check_refusal(const Error& error) {
  const std::string message = error.what();
  const bool refuses = error.exit_code() == ExitCode::usage || error.exit_code() == ExitCode::input;
  bool is_line = !message.empty();
  for (const char c : message) is_line &= static_cast<unsigned char>(c) >= 0x20 && c != 0x7F;
  if (refuses && is_line) return;
  std::fprintf(stderr, "not a refusal (exit code %d): %s\n", static_cast<int>(error.exit_code()),
               message.c_str());
  std::abort();
}

/// Runs `read` on one input.
template <typename Read>
int run(const Read& read, const std::uint8_t* data, std::size_t size) {
  try {
    read(std::string_view(reinterpret_cast<const char*>(data), size));
  } catch (const Error& error) {
    check_refusal(error);
  }
  return 0;
}

}  // namespace lathe::fuzz

/// Begins the target's body, whose input is the std::string_view `bytes`.
#define LATHE_FUZZ_TARGET(bytes)                                                      \
  static void fuzz_target(std::string_view bytes);                                    \
  extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { \
    return lathe::fuzz::run(fuzz_target, data, size);                                 \
  }                                                                                   \
  static void fuzz_target(std::string_view bytes)
