#include "spaces/network_text.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/json_io.hpp"
#include "spaces/base/json_text.hpp"
#include "spaces/ofa_text.hpp"
#include "spaces/space_data.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <sstream>

namespace lathe::spaces {
namespace {

using nlohmann::json;

std::size_t at(int value) { return static_cast<std::size_t>(value); }

std::string trimmed(std::string_view text) {
  const char* const blank = " \t\r\n";
  const std::size_t from = text.find_first_not_of(blank);
  if (from == std::string_view::npos) return "";
  return std::string(text.substr(from, text.find_last_not_of(blank) - from + 1));
}

/// Turns values by decision into genes, pinning what is not listed.
class Assembly {
 public:
  Assembly(const SearchSpace& space, GivenNetwork given)
      : space_(space), given_(std::move(given)) {}

  NamedNetwork finish() && {
    refuse_unknown();
    NamedNetwork network{space_, {std::vector<std::uint8_t>(space_.decisions().size(), 0)}, false};
    for (int d = 0; d < static_cast<int>(network.arch.genes.size()); ++d) {
      const bool is_active = network.space.is_active(network.arch, d);
      const Decision decision = network.space.decisions()[at(d)];
      const auto value = given_.values.find(decision.name);
      if (value == given_.values.end()) {
        if (is_active) network.arch.genes[at(d)] = standard_of(decision);
      } else if (const auto listed = find(decision, value->second)) {
        if (is_active) network.arch.genes[at(d)] = *listed;
      } else if (is_active) {
        network.space = pinned(network.space, decision, value->second);
        network.outside = true;
      } else {
        given_.refuse(decision.name, one_of(decision), "\"" + value->second + "\"",
                      "the network has no such block; the value can be left out");
      }
      network.outside |= is_active && network.space.decisions()[at(d)].outside;
    }
    return network;
  }

 private:
  void refuse_unknown() const {
    std::vector<std::string> names;
    for (const Decision& decision : space_.decisions()) names.push_back(decision.name);
    for (const auto& [name, value] : given_.values) {
      if (std::find(names.begin(), names.end(), name) != names.end()) continue;
      const std::string near = nearest_word(name, names);
      const bool in_object = given_.prefix.size() > 1;
      given_.refuse(in_object ? given_.prefix.substr(0, given_.prefix.size() - 1) : "",
                    "decisions of " + space_.name(), quote(name),
                    near.empty() ? "`lathe space` lists them" : "did you mean " + near);
    }
  }

  static std::string one_of(const Decision& decision) {
    std::string list;
    for (const Choice& choice : decision.choices) list += (list.empty() ? "" : ", ") + text(choice);
    return decision.choices.size() == 1 ? list : "one of " + list;
  }

  static std::optional<std::uint8_t> find(const Decision& decision, const std::string& value) {
    for (std::size_t i = 0; i < decision.choices.size(); ++i) {
      if (text(decision.choices[i]) == value) return static_cast<std::uint8_t>(i);
    }
    return std::nullopt;
  }

  std::uint8_t standard_of(const Decision& decision) const {
    if (decision.standard) return static_cast<std::uint8_t>(*decision.standard);
    if (decision.choices.size() > 1) given_.refuse(decision.name, one_of(decision), "nothing");
    return 0;
  }

  /// The space with the value as the decision's one choice; operators have no values but the
  /// listed.
  SearchSpace pinned(const SearchSpace& space, const Decision& decision,
                     const std::string& value) const {
    if (!decision.choices[0].word.empty()) {
      const SearchSpace file = space.without_pins();
      const Decision all = file.decisions()[at(file.decision(decision.name))];
      if (!find(all, value)) {
        std::vector<std::string> words;
        for (const Choice& choice : all.choices) words.push_back(choice.word);
        const std::string near = nearest_word(value, words);
        given_.refuse(decision.name, one_of(all), "\"" + value + "\"",
                      near.empty() ? "" : "did you mean " + near);
      }
    }
    try {
      return space.pinned({{decision.name, value}});
    } catch (const ConfigError& error) {
      given_.rethrow(decision.name, error);
    }
  }

  const SearchSpace& space_;
  GivenNetwork given_;
};

bool is_flag(const Choice& choice) {
  return choice.word.empty() && (choice.number == 0 || choice.number == 1);
}

bool is_whole(const Choice& choice) {
  return choice.word.empty() && choice.number == std::floor(choice.number);
}

/// A JSON value of a decision as the text of a choice. True and false stand for 1 and 0 where these
/// are the choices; a whole number is written as one where all choices are.
std::string value_text(const GivenNetwork& given, const Decision& decision, const json& value) {
  const auto& choices = decision.choices;
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean() && std::all_of(choices.begin(), choices.end(), is_flag)) {
    return value.get<bool>() ? "1" : "0";
  }
  if (value.is_number_float() && std::all_of(choices.begin(), choices.end(), is_whole) &&
      value.get<double>() == std::floor(value.get<double>())) {
    given.refuse(decision.name, "an integer", value.dump());
  }
  if (value.is_number()) return number_text(value.get<double>());
  given.refuse(decision.name, "a number or a word",
               value.is_structured() ? "a list or an object" : value.dump());
}

void read_decisions(const SearchSpace& space, const json& decisions, const std::string& prefix,
                    GivenNetwork& given) {
  given.prefix = prefix;
  const SearchSpace file = space.without_pins();
  for (const auto& [key, value] : decisions.items()) {
    const std::string& name = key;
    const auto& all = file.decisions();
    const auto known = std::find_if(
        all.begin(), all.end(), [&](const Decision& decision) { return decision.name == name; });
    given.values[name] = known == all.end() ? value.dump() : value_text(given, *known, value);
  }
}

/// Our JSON with a header: only of this space.
void read_ours(const SearchSpace& space, const json& network, GivenNetwork& given) {
  std::string name;
  json decisions;
  ConfigReader::read(network, given.where, given.strictness, [&](ConfigReader& r) {
    r.header("lathe.architecture", 1);
    r.required().string("space", name, "the space's name and settings");
    r.required().any("decisions", decisions, "values by decision");
    if (!decisions.is_object()) r.refuse("decisions", "an object", decisions.dump());
    bool same = false;
    try {
      same = space.is_named(parse_space_name(name));
    } catch (const ConfigError&) {
      r.refuse("space", "NAME or NAME:setting=value", "\"" + name + "\"");
    }
    if (!same) r.refuse("space", "a network of " + space.name(), "one of " + name);
  });
  read_decisions(space, decisions, "/decisions/", given);
}

/// "width=1.3 resolution=224".
void read_named(std::string_view text, GivenNetwork& given) {
  std::istringstream words{std::string(text)};
  for (std::string word; words >> word;) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == word.size()) {
      given.refuse("", "name=value", "\"" + word + "\"");
    }
    const auto number = parse_number(std::string_view(word).substr(equals + 1));
    const std::string value = number ? number_text(*number) : word.substr(equals + 1);
    if (!given.values.emplace(word.substr(0, equals), value).second) {
      given.refuse(word.substr(0, equals), "one value", "two");
    }
  }
}

void read_digits(const SearchSpace& space, std::string_view text, GivenNetwork& given) {
  const SearchSpace file = space.without_pins();
  const auto& decisions = file.decisions();
  const std::string length = std::to_string(decisions.size());
  if (text.size() != decisions.size()) {
    given.refuse("", length + " digits, one per place", "\"" + std::string(text) + "\"");
  }
  for (std::size_t i = 0; i < decisions.size(); ++i) {
    const std::size_t digit = static_cast<std::size_t>(text[i] - '0');
    if (text[i] < '0' || digit >= decisions[i].choices.size()) {
      given.refuse(decisions[i].name,
                   "a digit from 0 to " + std::to_string(decisions[i].choices.size() - 1),
                   std::string("\"") + text[i] + "\" in \"" + std::string(text) + "\"");
    }
    given.values[decisions[i].name] = decisions[i].choices[digit].word;
  }
}

void read_object(const SearchSpace& space, const std::string& text, GivenNetwork& given) {
  const Comments comments =
      given.strictness == Strictness::config ? Comments::allowed : Comments::refused;
  const json network = parse_json(text, given.where, comments);
  const auto has = [&](const char* key) { return network.contains(key); };
  if (has("format") || has("decisions")) {
    read_ours(space, network, given);
  } else if (has("ks") || (has("e") && has("d"))) {
    read_ofa(space, network, given);
  } else if (has("blocks")) {
    given.refuse("", "our JSON, a one-line text or an OFA dictionary", "a net.config",
                 "layer configuration files cannot be read by this version");
  } else {
    read_decisions(space, network, "/", given);
  }
}

std::string named_text(const SearchSpace& space, const Architecture& arch) {
  std::string result;
  for (std::size_t d = 0; d < arch.genes.size(); ++d) {
    if (!space.is_active(arch, static_cast<int>(d))) continue;
    const Decision& decision = space.decisions()[d];
    result +=
        (result.empty() ? "" : " ") + decision.name + "=" + text(decision.choices[arch.genes[d]]);
  }
  return result;
}

std::string digits_text(const SearchSpace& space, const Architecture& arch) {
  const SearchSpace file = space.without_pins();
  std::string result;
  for (std::size_t d = 0; d < arch.genes.size(); ++d) {
    const std::string& word = space.decisions()[d].choices[arch.genes[d]].word;
    std::size_t digit = 0;
    while (file.decisions()[d].choices[digit].word != word) ++digit;
    result += static_cast<char>('0' + digit);
  }
  return result;
}

}  // namespace

std::string GivenNetwork::place(const std::string& part) const {
  if (part.empty()) return where;
  const auto elsewhere = pointers.find(part);
  if (elsewhere != pointers.end()) return place_in(where, elsewhere->second);
  const std::string full = part[0] == '/' ? part : prefix + part;
  return full[0] == '/' ? place_in(where, full) : where + ": " + full;
}

void GivenNetwork::refuse(const std::string& part, const std::string& expected,
                          const std::string& found, const std::string& remedy) const {
  const Problem problem{place(part), expected, found, remedy};
  if (strictness == Strictness::config) throw ConfigError(problem);
  throw FormatError(problem);
}

void GivenNetwork::rethrow(const std::string& decision, const ConfigError& error) const {
  const std::string message = place(decision) + ": " + error.what();
  if (strictness == Strictness::config) throw ConfigError(message);
  throw FormatError(message);
}

std::string to_text(const SearchSpace& space, const Architecture& arch) {
  const Architecture canonical = space.canonical(arch);
  const std::string form = space.text_form();
  if (form == "ofa") return ofa_text(space, canonical);
  return form == "digits" ? digits_text(space, canonical) : named_text(space, canonical);
}

NamedNetwork parse_network(const SearchSpace& space, std::string_view network,
                           const std::string& where, Strictness strictness) {
  GivenNetwork given{where, strictness, {}, "", {}};
  const std::string text = trimmed(network);
  const std::string form = space.text_form();
  if (text.empty()) given.refuse("", "a network of " + space.name(), "nothing");
  if (text[0] == '{') {
    read_object(space, text, given);
  } else if (text[0] == '[') {
    given.refuse("", "our JSON, a one-line text or an OFA dictionary", "a list",
                 "operator lists and block strings cannot be read by this version");
  } else if (form == "named" || text.find('=') != std::string::npos) {
    read_named(text, given);
  } else if (form == "ofa") {
    read_ofa_text(space, text, given);
  } else {
    read_digits(space, text, given);
  }
  return Assembly(space, std::move(given)).finish();
}

std::optional<std::string> space_of_network(std::string_view network) {
  const std::string text = trimmed(network);
  if (text.empty() || text[0] != '{') return std::nullopt;
  const json parsed = parse_json(text, "network", Comments::allowed);
  if (!parsed.contains("space") || !parsed["space"].is_string()) return std::nullopt;
  return parsed["space"].get<std::string>();
}

json to_json(const SearchSpace& space, const Architecture& arch) {
  const Architecture canonical = space.canonical(arch);
  json decisions = json::object();
  for (std::size_t d = 0; d < canonical.genes.size(); ++d) {
    if (!space.is_active(canonical, static_cast<int>(d))) continue;
    const Decision& decision = space.decisions()[d];
    decisions[decision.name] = to_json(decision.choices[canonical.genes[d]]);
  }
  return {{"format", "lathe.architecture"},
          {"version", 1},
          {"space", space.name()},
          {"decisions", decisions}};
}

json to_json(const Choice& choice) {
  if (!choice.word.empty()) return choice.word;
  const auto whole = static_cast<std::int64_t>(choice.number);
  if (double(whole) == choice.number) return whole;
  return choice.number;
}

namespace {

/// A list in a file: of networks, or one network written as a list of operators.
void expand_list(const json& list, const std::string& file, std::vector<NetworkArgument>& to) {
  const auto is_operator = [](const json& one) {
    if (!one.is_string()) return false;
    const auto& word = one.get_ref<const std::string&>();
    const bool digits = word.find_first_not_of("0123456789") == std::string::npos;
    return word.find_first_of("= ") == std::string::npos && !digits;
  };
  if (!list.empty() && std::all_of(list.begin(), list.end(), is_operator)) {
    to.push_back({list.dump(), file, Strictness::data});
    return;
  }
  for (std::size_t i = 0; i < list.size(); ++i) {
    const json& one = list[i];
    const std::string text = one.is_string() ? one.get<std::string>() : one.dump();
    to.push_back({text, file + ": /" + std::to_string(i), Strictness::data});
  }
}

}  // namespace

std::vector<NetworkArgument> parse_network_file(std::string_view text, const std::string& file) {
  const std::string content = trimmed(text);
  if (content.empty()) throw FormatError(Problem{file, "a network", "an empty file", ""});
  std::vector<NetworkArgument> to;
  const std::string first = trimmed(content.substr(0, content.find('\n')));
  // One object over the whole file, unless its first line is one already.
  const bool whole_object =
      content[0] == '{' && (first.size() == content.size() || !json::accept(first));
  if (content[0] == '[') {
    expand_list(parse_json(content, file, Comments::refused), file, to);
  } else if (whole_object) {
    to.push_back({content, file, Strictness::data});
  } else {
    std::istringstream lines(content);
    int number = 0;
    for (std::string line; std::getline(lines, line);) {
      ++number;
      const std::string where = file + ":" + std::to_string(number);
      line = trimmed(line);
      if (line.empty()) continue;
      if (line[0] == '"') {
        const json word = parse_json(line, where, Comments::refused);
        line = word.get<std::string>();
      }
      to.push_back({line, where, Strictness::data});
    }
  }
  if (to.empty()) throw FormatError(Problem{file, "a network", "an empty list", ""});
  return to;
}

std::vector<NetworkArgument> expand_network_arguments(const std::vector<std::string>& arguments) {
  std::vector<NetworkArgument> all;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string text = trimmed(arguments[i]);
    const std::string where = "NET " + std::to_string(i + 1);
    const bool is_json = !text.empty() && (text[0] == '{' || text[0] == '[');
    const std::filesystem::path path = text;
    std::error_code error;
    const bool names_file = path.extension() == ".json" || path.extension() == ".jsonl";
    if (!is_json && !text.empty() && (names_file || std::filesystem::exists(path, error))) {
      for (NetworkArgument& one : parse_network_file(read_file(text), text)) {
        all.push_back(std::move(one));
      }
    } else {
      all.push_back({text, where, Strictness::config});
    }
  }
  return all;
}

}  // namespace lathe::spaces
