#include "spaces/base/error.hpp"
#include "spaces/space_file.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

// The word parameters of a space file, put in before the rest is read.

namespace lathe::spaces {
namespace {

using nlohmann::json;

struct WordChooser {
  const std::filesystem::path& path;
  const std::vector<WordParameter>& parameters;
  const std::map<std::string, std::string>& chosen;

  [[noreturn]] void refuse(const std::string& pointer, const std::string& expected,
                           const std::string& found) const {
    throw ConfigError(Problem{path.string() + ": " + pointer, expected, found, ""});
  }
  /// The value of `choice`, an object with "by", at `pointer`.
  const json& select(const json& choice, const std::string& pointer) const {
    const json& by = choice.at("by");
    const auto parameter = std::find_if(parameters.begin(), parameters.end(),
                                        [&](const WordParameter& p) { return by == p.name; });
    if (parameter == parameters.end()) {
      refuse(pointer + "/by", "the name of one of the file's parameters", by.dump());
    }
    for (const auto& [word, value] : choice.items()) {
      const auto& words = parameter->words;
      if (word != "by" && std::find(words.begin(), words.end(), word) == words.end()) {
        refuse(pointer, "the words of " + parameter->name, "\"" + word + "\"");
      }
    }
    for (const std::string& word : parameter->words) {
      if (!choice.contains(word)) refuse(pointer + "/" + word, "a value for every word", "nothing");
    }
    return choice.at(chosen.at(parameter->name));
  }
  json operator()(const json& value, const std::string& pointer) const {
    if (value.is_object() && value.contains("by")) return (*this)(select(value, pointer), pointer);
    if (!value.is_structured()) return value;
    json result = value;
    for (const auto& [key, member] : value.items()) {
      const json resolved = (*this)(member, pointer + "/" + key);
      if (value.is_object()) {
        result[key] = resolved;
      } else {
        result[static_cast<std::size_t>(std::stoul(key))] = resolved;
      }
    }
    return result;
  }
};

}  // namespace

json choose_words(const json& file, const std::filesystem::path& path,
                  const std::vector<WordParameter>& parameters,
                  const std::map<std::string, std::string>& chosen) {
  return WordChooser{path, parameters, chosen}(file, "");
}

}  // namespace lathe::spaces
