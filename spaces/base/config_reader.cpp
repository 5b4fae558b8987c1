#include "spaces/base/config_reader.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/json_text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>

namespace lathe {
namespace {

using nlohmann::json;

/// One line of describe().
using Row = std::array<std::string, 4>;  // path, type, default, meaning

/// Wider cells push the rest of their line to the right instead of widening the table.
constexpr std::array<std::size_t, 4> kWidest{48, 40, 20, 0};

std::string table_text(const std::vector<Row>& rows) {
  std::array<std::size_t, 4> widths{};
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (row[i].size() <= kWidest[i]) widths[i] = std::max(widths[i], row[i].size());
    }
  }
  std::string result;
  for (const Row& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (row[i].size() < widths[i]) line.append(widths[i] - row[i].size(), ' ');
      if (i + 1 < row.size()) line += "  ";
    }
    result += line + "\n";
  }
  return result;
}

std::string found_text(const json& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "a list of " + std::to_string(value.size());
  if (value.is_string()) return quote(value.get_ref<const std::string&>());
  return value.dump();
}

template <typename T>
std::string bound_text(T bound) {
  if constexpr (std::is_same_v<T, Micros>) {
    return duration_word(bound);
  } else {
    const std::string number = json(bound).dump();
    const bool whole = number.size() > 2 && number.compare(number.size() - 2, 2, ".0") == 0;
    return whole ? number.substr(0, number.size() - 2) : number;
  }
}

template <typename T>
bool is_open(T bound, bool below) {
  if constexpr (std::is_same_v<T, Micros>) {
    return is_open(bound.count(), below);
  } else {
    using Limits = std::numeric_limits<T>;
    return below ? bound <= Limits::lowest() : bound >= Limits::max();
  }
}

/// " in [8, 4096]", " of at least 8", " of at most 4096" or nothing.
template <typename T>
std::string range_text(Range<T> range) {
  const bool open_below = is_open(range.least, true), open_above = is_open(range.most, false);
  if (open_below && open_above) return "";
  if (open_above) return " of at least " + bound_text(range.least);
  if (open_below) return " of at most " + bound_text(range.most);
  return " in [" + bound_text(range.least) + ", " + bound_text(range.most) + "]";
}

/// The integer in the range that is stored as one, else nothing.
template <typename T>
std::optional<T> find_integer(const json& value, Range<T> range) {
  if (!value.is_number_integer()) return std::nullopt;
  if (value.is_number_unsigned() &&
      value.get<std::uint64_t>() > std::uint64_t(std::numeric_limits<std::int64_t>::max())) {
    return std::nullopt;
  }
  const auto number = value.get<std::int64_t>();
  if (number < range.least || number > range.most) return std::nullopt;
  return static_cast<T>(number);
}

std::optional<double> find_number(const json& value, Range<double> range) {
  if (!value.is_number()) return std::nullopt;
  const auto number = value.get<double>();
  if (!(number >= range.least && number <= range.most)) return std::nullopt;
  return number;
}

std::optional<std::string> find_string(const json& value) {
  if (!value.is_string()) return std::nullopt;
  return value.get<std::string>();
}

std::string joined(const std::vector<std::string>& words) {
  std::string result;
  for (const std::string& word : words) result += (result.empty() ? "" : ", ") + word;
  return result;
}

/// "an integer" without its article.
std::string type_text(const std::string& expected) {
  for (const std::string article : {"an ", "a ", "the "}) {
    if (expected.rfind(article, 0) == 0) return expected.substr(article.size());
  }
  return expected;
}

}  // namespace

/// What the readers of one file have in common.
struct ConfigReader::Shared {
  std::filesystem::path file;
  Strictness strictness;
  bool describing;
  std::vector<Row> rows;

  [[noreturn]] void refuse(const std::string& pointer, const std::string& expected,
                           const std::string& found, const std::string& remedy) const {
    // A part of a file that is read by itself is named "FILE: /part".
    const Problem problem{place_in(file.string(), pointer), expected, found, remedy};
    if (strictness == Strictness::config) throw ConfigError(problem);
    throw FormatError(problem);
  }
};

struct ConfigReader::State {
  Shared& shared;
  const json* value;    ///< the object that is read; null in describe mode
  std::string pointer;  ///< of the object, for messages
  std::string path;     ///< the same as overrides write it, with a dot at its end
  json resolved = json::object();
  std::vector<std::string> known;
  bool required_next = false;

  State(Shared& all, const json* object, std::string its_pointer, std::string its_path)
      : shared(all), value(object), pointer(std::move(its_pointer)), path(std::move(its_path)) {
    if (value != nullptr && !value->is_object()) {
      shared.refuse(pointer, "an object", found_text(*value), "");
    }
  }

  std::string pointer_to(const std::string& key) const {
    return key.empty() ? pointer : pointer + pointer_step(key);
  }

  /// Declares a key; returns its value, or null where there is none. `fallback` is its default.
  const json* take(const std::string& key, const std::string& expected, const std::string& fallback,
                   const std::string& meaning) {
    const bool is_required = std::exchange(required_next, false);
    if (value == nullptr) {
      shared.rows.push_back(
          {path + key, type_text(expected), is_required ? "required" : fallback, meaning});
      return nullptr;
    }
    known.push_back(key);
    const auto found = value->find(key);
    if (found != value->end()) return &*found;
    if (is_required) refuse_missing(key, expected);
    return nullptr;
  }

  [[noreturn]] void refuse_missing(const std::string& key, const std::string& expected) const {
    std::vector<std::string> others;
    for (const auto& [name, member] : value->items()) {
      if (std::find(known.begin(), known.end(), name) == known.end()) others.push_back(name);
    }
    const std::string near = nearest_word(key, others);
    shared.refuse(pointer_to(key), expected, "nothing",
                  near.empty() ? "" : "the key " + near + " looks like a misspelling of it");
  }

  void refuse_leftovers() const {
    for (const auto& [key, member] : value->items()) {
      if (std::find(known.begin(), known.end(), key) != known.end()) continue;
      const std::string near = nearest_word(key, known);
      const std::string expected = known.empty()       ? "no keys"
                                   : known.size() == 1 ? "only the key " + known[0]
                                                       : "one of the keys " + joined(known);
      shared.refuse(pointer, expected, quote_key(key), near.empty() ? "" : "did you mean " + near);
    }
  }

  /// As it is where that is plain, else quoted.
  static std::string quote_key(const std::string& key) {
    const std::string safe = quote(key);
    const bool plain = !key.empty() && safe.size() == key.size() + 2;
    return plain ? key : safe;
  }

  template <typename T>
  void keep(const std::string& key, const T& read) {
    if (value != nullptr) resolved[key] = read;
  }

  /// A scalar: `find` gives the value or nothing.
  template <typename T, typename Find>
  void scalar(const std::string& key, T& target, const std::string& expected,
              const std::string& meaning, const Find& find) {
    const bool no_default = json(target).dump() == "null";  // an infinite number: no limit
    const std::string fallback = no_default ? "none" : json(target).dump();
    if (const json* given = take(key, expected, fallback, meaning)) {
      const auto read = find(*given);
      if (!read) shared.refuse(pointer_to(key), expected, found_text(*given), "");
      target = *read;
    } else if (no_default) {
      return;
    }
    keep(key, target);
  }

  /// A list whose elements `find` gives.
  template <typename T, typename Find>
  void list(const std::string& key, std::vector<T>& target, const std::string& noun,
            const std::string& range, const std::string& meaning, const Find& find) {
    const std::string expected = "a list of " + noun + "s" + range;
    if (const json* given = take(key, expected, json(target).dump(), meaning)) {
      if (!given->is_array()) shared.refuse(pointer_to(key), expected, found_text(*given), "");
      std::vector<T> read;
      for (std::size_t i = 0; i < given->size(); ++i) {
        const auto one = find((*given)[i]);
        if (!one) {
          shared.refuse(pointer_to(key) + "/" + std::to_string(i),
                        (noun == "integer" ? "an " : "a ") + noun + range, found_text((*given)[i]),
                        "");
        }
        read.push_back(*one);
      }
      target = std::move(read);
    }
    keep(key, target);
  }
};

ConfigReader::ConfigReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
ConfigReader::~ConfigReader() = default;

json ConfigReader::resolve(const json& value, const std::filesystem::path& file,
                           Strictness strictness, const std::function<void(ConfigReader&)>& body) {
  Shared shared{file, strictness, false, {}};
  ConfigReader reader(std::make_unique<State>(shared, &value, "", ""));
  body(reader);
  reader.state_->refuse_leftovers();
  return std::move(reader.state_->resolved);
}

void ConfigReader::read(const json& value, const std::filesystem::path& file, Strictness strictness,
                        const std::function<void(ConfigReader&)>& body) {
  resolve(value, file, strictness, body);
}

std::string ConfigReader::describe(const std::function<void(ConfigReader&)>& body) {
  Shared shared{"", Strictness::config, true, {}};
  ConfigReader reader(std::make_unique<State>(shared, nullptr, "", ""));
  body(reader);
  return table_text(shared.rows);
}

void ConfigReader::integer(const std::string& key, int& value, Range<int> range,
                           const std::string& meaning) {
  state_->scalar(key, value, "an integer" + range_text(range), meaning,
                 [&](const json& given) { return find_integer(given, range); });
}

void ConfigReader::integer64(const std::string& key, std::int64_t& value, Range<std::int64_t> range,
                             const std::string& meaning) {
  state_->scalar(key, value, "an integer" + range_text(range), meaning,
                 [&](const json& given) { return find_integer(given, range); });
}

void ConfigReader::number(const std::string& key, double& value, Range<double> range,
                          const std::string& meaning) {
  state_->scalar(key, value, "a number" + range_text(range), meaning,
                 [&](const json& given) { return find_number(given, range); });
}

void ConfigReader::boolean(const std::string& key, bool& value, const std::string& meaning) {
  state_->scalar(key, value, "true or false", meaning, [](const json& given) {
    return given.is_boolean() ? std::optional<bool>(given.get<bool>()) : std::nullopt;
  });
}

void ConfigReader::string(const std::string& key, std::string& value, const std::string& meaning) {
  state_->scalar(key, value, "a text", meaning, find_string);
}

void ConfigReader::word(const std::string& key, std::string& value,
                        const std::vector<std::string>& words, const std::string& meaning) {
  const std::string expected = "one of " + joined(words);
  if (const json* given = state_->take(key, expected, value, meaning)) {
    const auto read = find_string(*given);
    if (!read || std::find(words.begin(), words.end(), *read) == words.end()) {
      const std::string near = read ? nearest_word(*read, words) : "";
      refuse(key, expected, found_text(*given), near.empty() ? "" : "did you mean " + near);
    }
    value = *read;
  }
  state_->keep(key, value);
}

void ConfigReader::duration(const std::string& key, Micros& value, Range<Micros> range,
                            const std::string& meaning) {
  const std::string type = "a duration" + range_text(range);
  const auto word_of = [](Micros duration) {
    return std::isfinite(duration.count()) ? duration_word(duration) : "none";
  };
  if (const json* given = state_->take(key, type, word_of(value), meaning)) {
    const std::string expected = type + ", such as \"20ms\"";
    if (!given->is_string()) refuse(key, expected, found_text(*given));
    Micros read{};
    try {
      read = parse_duration(given->get_ref<const std::string&>(), key);
    } catch (const ConfigError&) {
      refuse(key, expected, found_text(*given));
    }
    if (!(read >= range.least && read <= range.most)) refuse(key, expected, found_text(*given));
    value = read;
  }
  if (std::isfinite(value.count())) state_->keep(key, word_of(value));
}

void ConfigReader::file(const std::string& key, std::filesystem::path& value,
                        const std::string& meaning) {
  const std::string expected = "the name of a file";
  const std::string fallback = value.empty() ? "none" : value.string();
  if (const json* given = state_->take(key, expected, fallback, meaning)) {
    if (!given->is_string()) refuse(key, expected, found_text(*given));
    const std::filesystem::path name = given->get<std::string>();
    value = name.empty() ? name : state_->shared.file.parent_path() / name;
  }
  state_->keep(key,
               value.empty() ? "" : std::filesystem::absolute(value).lexically_normal().string());
}

void ConfigReader::integers(const std::string& key, std::vector<int>& value, Range<int> range,
                            const std::string& meaning) {
  state_->list(key, value, "integer", range_text(range), meaning,
               [&](const json& given) { return find_integer(given, range); });
}

void ConfigReader::numbers(const std::string& key, std::vector<double>& value, Range<double> range,
                           const std::string& meaning) {
  state_->list(key, value, "number", range_text(range), meaning,
               [&](const json& given) { return find_number(given, range); });
}

void ConfigReader::strings(const std::string& key, std::vector<std::string>& value,
                           const std::string& meaning) {
  state_->list(key, value, "text", "", meaning, find_string);
}

void ConfigReader::object(const std::string& key, const std::function<void(ConfigReader&)>& body,
                          const std::string& meaning) {
  const json* given = state_->take(key, "an object", "absent", meaning);
  if (given == nullptr && !describing()) return;
  ConfigReader member(std::make_unique<State>(state_->shared, given, state_->pointer_to(key),
                                              state_->path + key + "."));
  body(member);
  if (describing()) return;
  member.state_->refuse_leftovers();
  state_->keep(key, member.state_->resolved);
}

void ConfigReader::section(const std::string& key, const std::function<void(ConfigReader&)>& body,
                           const std::string& meaning) {
  static const json nothing = json::object();
  const json* given = state_->take(key, "an object", "{}", meaning);
  if (given == nullptr && !describing()) given = &nothing;
  ConfigReader member(std::make_unique<State>(state_->shared, given, state_->pointer_to(key),
                                              state_->path + key + "."));
  body(member);
  if (describing()) return;
  member.state_->refuse_leftovers();
  state_->keep(key, member.state_->resolved);
}

void ConfigReader::objects(const std::string& key,
                           const std::function<void(ConfigReader&, std::size_t)>& body,
                           const std::string& meaning) {
  const std::string expected = "a list of objects";
  const json* given = state_->take(key, expected, "absent", meaning);
  if (describing()) {
    ConfigReader member(
        std::make_unique<State>(state_->shared, nullptr, "", state_->path + key + ".N."));
    body(member, 0);
  }
  if (given == nullptr) return;
  if (!given->is_array()) refuse(key, expected, found_text(*given));
  json resolved = json::array();
  for (std::size_t i = 0; i < given->size(); ++i) {
    ConfigReader member(std::make_unique<State>(
        state_->shared, &(*given)[i], state_->pointer_to(key) + "/" + std::to_string(i), ""));
    body(member, i);
    member.state_->refuse_leftovers();
    resolved.push_back(member.state_->resolved);
  }
  state_->keep(key, resolved);
}

void ConfigReader::entries(const std::string& key,
                           const std::function<void(const std::string&, const json&)>& entry,
                           const std::string& meaning) {
  const std::string expected = "an object with names as keys";
  const json* given = state_->take(key, expected, "absent", meaning);
  if (given == nullptr) return;
  if (!given->is_object()) refuse(key, expected, found_text(*given));
  for (const auto& [name, value] : given->items()) entry(name, value);
  state_->keep(key, *given);
}

void ConfigReader::any(const std::string& key, json& value, const std::string& meaning) {
  const json* given =
      state_->take(key, "any value", value.is_null() ? "absent" : value.dump(), meaning);
  if (given != nullptr) value = *given;
  if (given != nullptr || !value.is_null()) state_->keep(key, value);
}

void ConfigReader::header(const std::string& format, int version) {
  const std::string quoted_format = quote(format), number = std::to_string(version);
  const json* its_format = required().state_->take("format", quoted_format, "", "what the file is");
  if (its_format != nullptr && *its_format != format) {
    refuse("format", quoted_format, found_text(*its_format));
  }
  const json* its_version = required().state_->take("version", number, "", "version of the format");
  if (its_version != nullptr && !find_integer<int>(*its_version, {version, version})) {
    refuse("version", number + ", the version that this program reads", found_text(*its_version));
  }
  state_->keep("format", format);
  state_->keep("version", version);
}

ConfigReader& ConfigReader::required() {
  state_->required_next = true;
  return *this;
}

bool ConfigReader::has(const std::string& key) const {
  return !describing() && state_->value->contains(key);
}

bool ConfigReader::describing() const { return state_->shared.describing; }

void ConfigReader::refuse(const std::string& key, const std::string& expected,
                          const std::string& found, const std::string& remedy) const {
  state_->shared.refuse(state_->pointer_to(key), expected, found, remedy);
}

const std::filesystem::path& ConfigReader::file_name() const { return state_->shared.file; }

}  // namespace lathe
