#pragma once

#include "spaces/base/config_reader.hpp"
#include "spaces/base/error.hpp"
#include "spaces/search_space.hpp"

#include <nlohmann/json_fwd.hpp>

#include <map>
#include <string>
#include <string_view>

namespace lathe::spaces {

// The forms of OFA-like spaces; used by network_text.cpp only.

/// A network's values by decision, as read, and how to complain about them.
struct GivenNetwork {
  std::string where;
  Strictness strictness = Strictness::config;
  std::map<std::string, std::string> values;
  /// What stands before a decision's name in messages: "/decisions/" or "/" in JSON, else nothing.
  std::string prefix;
  std::map<std::string, std::string> pointers;  ///< of decisions that stand elsewhere

  /// Throws by strictness; `part` is a decision's name, a JSON pointer, or empty.
  [[noreturn]] void refuse(const std::string& part, const std::string& expected,
                           const std::string& found, const std::string& remedy = "") const;
  /// Throws by strictness, with the decision's place before the error's text.
  [[noreturn]] void rethrow(const std::string& decision, const ConfigError& error) const;
  /// The place of a part, as for refuse.
  std::string place(const std::string& part) const;
};

/// "r176 k3e3 k3e4 / k5e3 ...", blocks by kernel and expansion, "/" between stages.
std::string ofa_text(const SearchSpace& space, const Architecture& arch);
void read_ofa_text(const SearchSpace& space, std::string_view text, GivenNetwork& given);
/// {"ks","e","d","r"}.
void read_ofa(const SearchSpace& space, const nlohmann::json& network, GivenNetwork& given);

}  // namespace lathe::spaces
