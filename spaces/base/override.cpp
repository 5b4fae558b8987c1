#include "spaces/base/config_reader.hpp"
#include "spaces/base/error.hpp"
#include "spaces/base/json_io.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace lathe {
namespace {

using nlohmann::json;

/// One --set, for its messages.
struct Override {
  std::string where;  ///< "--set path.to.key=value"
  std::string path;

  [[noreturn]] void refuse(const std::string& expected, const std::string& found,
                           const std::string& remedy = "") const {
    throw ConfigError({where, expected, found, remedy});
  }
};

/// How many bytes of `rest` name a key of the object: the longest that ends at a dot or at the end;
/// 0 if none does.
std::size_t key_length(const json& object, const std::string& rest) {
  for (std::size_t end = rest.size(); end != std::string::npos && end > 0;
       end = rest.rfind('.', end - 1)) {
    if (object.contains(rest.substr(0, end))) return end;
  }
  return 0;
}

json& element(json& list, const std::string& index, const std::string& parent,
              const Override& override) {
  const bool digits =
      !index.empty() && index.size() < 10 && index.find_first_not_of("0123456789") == index.npos;
  if (!digits || std::stoul(index) >= list.size()) {
    const std::string range =
        list.empty() ? "no index, for the list " + parent + " is empty"
                     : "an index of " + parent + " in [0, " + std::to_string(list.size() - 1) + "]";
    override.refuse(range, quote(index));
  }
  return list[std::stoul(index)];
}

json read_value(const std::string& word, const Override& override) {
  try {
    return parse_json(word, override.where, Comments::refused);
  } catch (const FormatError&) {
    try {
      dump_json_line(word);
    } catch (const LogicError&) {
      override.refuse("a value in UTF-8", quote(word));
    }
    return word;
  }
}

/// What stands at `path` within the config; a last key that is missing is made.
json& find_target(json& config, const Override& override) {
  json* place = &config;
  std::string rest = override.path, parent = "the config";
  while (true) {
    const std::size_t dot = rest.find('.');
    std::string step = rest.substr(0, dot);
    if (place->is_array()) {
      place = &element(*place, step, parent, override);
    } else if (place->is_object()) {
      if (const std::size_t length = key_length(*place, rest); length > 0) {
        step = rest.substr(0, length);
      } else if (dot != std::string::npos) {
        std::vector<std::string> known;
        for (const auto& [key, value] : place->items()) known.push_back(key);
        const std::string near = nearest_word(step, known);
        override.refuse("a key of " + parent, quote(step),
                        near.empty() ? "set the whole of it: --set '" +
                                           override.path.substr(0, override.path.size() -
                                                                       rest.size() + step.size()) +
                                           "={...}'"
                                     : "did you mean " + near);
      }
      place = &(*place)[step];
    } else {
      override.refuse("an object or a list at " + parent, place->dump());
    }
    if (step.size() == rest.size()) return *place;
    rest = rest.substr(step.size() + 1);
    parent = override.path.substr(0, override.path.size() - rest.size() - 1);
  }
}

}  // namespace

void apply_override(json& config, const std::string& assignment) {
  const std::size_t equals = assignment.find('=');
  const Override override{"--set " + assignment, assignment.substr(0, equals)};
  const std::string& path = override.path;
  if (equals == std::string::npos || path.empty() || path.front() == '.' || path.back() == '.' ||
      path.find("..") != std::string::npos) {
    override.refuse("path.to.key=value", quote(assignment));
  }
  json value = read_value(assignment.substr(equals + 1), override);
  find_target(config, override) = std::move(value);
}

}  // namespace lathe
