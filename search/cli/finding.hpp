#pragma once

#include "spaces/base/error.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace lathe::cli {

/// What `lathe doctor` found out about one thing.
struct Finding {
  enum class State {
    ok,
    note,    ///< works, but is worth knowing
    missing  ///< some command does not work without it
  };
  using Fact = std::variant<bool, std::int64_t, double, std::string, std::vector<std::string>>;

  std::string what;  ///< "processor", "LibTorch"
  State state = State::ok;
  std::string found;                                ///< for people
  std::string remedy;                               ///< what to do; empty: nothing
  std::vector<std::pair<std::string, Fact>> facts;  ///< for scripts
  ExitCode code = ExitCode::ok;                     ///< of the commands that lack it
};

}  // namespace lathe::cli
