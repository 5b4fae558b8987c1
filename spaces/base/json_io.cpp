#include "spaces/base/json_io.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/json_text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <vector>

namespace lathe {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxDepth = 64;

/// Runs over the text and tells how far the parser has come.
class Cursor {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  Cursor(const char* at, const char** seen) : at_(at), seen_(seen) {}
  reference operator*() const { return *at_; }
  Cursor& operator++() {
    *seen_ = ++at_;
    return *this;
  }
  bool operator==(const Cursor& other) const { return at_ == other.at_; }
  bool operator!=(const Cursor& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  const char** seen_;
};

/// What stands where in `text`, for messages.
class Place {
 public:
  Place(std::string_view text, std::string where, Comments comments, int first_line)
      : text_(text), where_(std::move(where)), comments_(comments), first_line_(first_line) {}

  /// `end` bytes have been read, the last of them is the wrong one.
  [[noreturn]] void refuse(std::size_t end, const std::string& expected, const std::string& found,
                           const std::string& remedy = "") const {
    const std::string_view before = text_.substr(0, end == 0 ? 0 : std::min(end - 1, text_.size()));
    const auto line = first_line_ + std::count(before.begin(), before.end(), '\n');
    const std::size_t start = before.rfind('\n') + 1;  // npos + 1 is 0
    refuse_at(where_ + ": line " + std::to_string(line) + ", column " +
                  std::to_string(before.size() - start + 1),
              expected, found, remedy);
  }

  [[noreturn]] void refuse_at(const std::string& where, const std::string& expected,
                              const std::string& found, const std::string& remedy = "") const {
    const Problem problem{where, expected, found, remedy};
    if (comments_ == Comments::allowed) throw ConfigError(problem);
    throw FormatError(problem);
  }

  /// The letters and digits around the last of `end` bytes, or that byte where there are none.
  std::string word_at(std::size_t end) const {
    const auto in_word = [&](std::size_t i) {
      return i < text_.size() && std::isalnum(static_cast<unsigned char>(text_[i])) != 0;
    };
    std::size_t start = end - 1;
    while (start > 0 && in_word(start - 1)) --start;
    std::size_t stop = start;
    while (in_word(stop)) ++stop;
    return std::string(text_.substr(start, std::max<std::size_t>(stop - start, 1)));
  }

  Comments comments() const { return comments_; }

 private:
  std::string_view text_;
  std::string where_;
  Comments comments_;
  int first_line_;
};

/// The words between `begin` and the next `end` (or the end) of the library's message.
std::string between(std::string_view message, std::string_view begin, std::string_view end) {
  const std::size_t at = message.find(begin);
  if (at == std::string_view::npos) return "";
  message.remove_prefix(at + begin.size());
  return std::string(message.substr(0, message.find(end)));
}

std::string expected_words(const std::string& message) {
  const std::string expected = between(message, "; expected ", ";");
  if (expected == "'}'") return "',' or '}'";
  if (expected == "']'") return "',' or ']'";
  if (expected == "string literal") return "a key in double quotes";
  if (expected == "end of input") return "nothing more";
  if (!expected.empty() && expected[0] == '\'' && expected != "'[', '{', or a literal") {
    return expected;
  }
  return "a JSON value";
}

/// Builds the value and refuses what strict reading refuses; called by the library's parser.
class Builder : public nlohmann::json_sax<json> {
 public:
  Builder(const Place& place, const char* start, const char* const* seen)
      : place_(place), start_(start), seen_(seen) {}

  json take() { return std::move(root_); }

  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(number_integer_t value) override { return put(value); }
  bool number_unsigned(number_unsigned_t value) override { return put(value); }
  bool number_float(number_float_t value, const string_t&) override { return put(value); }
  bool string(string_t& value) override { return put(std::move(value)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(json::object()); }
  bool start_array(std::size_t) override { return open(json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    if (open_.back().value->contains(name)) {
      place_.refuse(read(), "every key once", "a second key " + quote(name),
                    "the object is " + (pointer().empty() ? "the whole value" : pointer()));
    }
    open_.back().key = std::move(name);
    return true;
  }

  bool parse_error(std::size_t position, const std::string& token,
                   const nlohmann::detail::exception& error) override {
    const std::string message = error.what();
    if (message.find("number overflow") != std::string::npos) {
      place_.refuse(read(), "a number that fits a double (up to 1.8e308)", token);
    }
    std::string found = between(message, " - ", "; ");
    if (found.rfind("unexpected ", 0) == 0) found = found.substr(11);
    if (found == "end of input") found = "the end of the file";
    if (found == "number literal" || found == "string literal") found = token;
    if (found.find("UTF-8") != std::string::npos) {
      place_.refuse(position, "text in UTF-8", "bytes that are none");
    }
    const bool comment =
        place_.comments() == Comments::refused && !token.empty() && token[0] == '/';
    if (found == "invalid literal") {
      found += " " + quote(place_.word_at(position));
    } else if (found.rfind("invalid ", 0) == 0) {
      found += " at " + quote(token);
    }
    place_.refuse(position, expected_words(message), found,
                  comment ? "comments are for configs and spaces only" : "");
  }

 private:
  struct Level {
    json* value;
    std::string key;  ///< of the member being read, where the value is an object
  };

  std::size_t read() const { return static_cast<std::size_t>(*seen_ - start_); }

  std::string pointer() const {
    std::string result;
    for (std::size_t i = 0; i + 1 < open_.size(); ++i) {
      const Level& level = open_[i];
      result += level.value->is_object() ? pointer_step(level.key)
                                         : "/" + std::to_string(level.value->size() - 1);
    }
    return result;
  }

  json* place_for_next() {
    if (open_.empty()) return &root_;
    Level& level = open_.back();
    if (level.value->is_object()) return &(*level.value)[level.key];
    level.value->push_back(nullptr);
    return &level.value->back();
  }

  template <typename T>
  bool put(T&& value) {
    *place_for_next() = std::forward<T>(value);
    return true;
  }

  bool open(json&& container) {
    if (open_.size() == kMaxDepth) {
      place_.refuse(read(), "lists and objects at most " + std::to_string(kMaxDepth) + " deep",
                    "a deeper one");
    }
    json* value = place_for_next();
    *value = std::move(container);
    open_.push_back({value, ""});
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  const Place& place_;
  const char* start_;
  const char* const* seen_;
  json root_;
  std::vector<Level> open_;
};

void check_writable(const json& value, const std::string& pointer) {
  if (value.is_number_float()) {
    LATHE_CHECK(std::isfinite(value.get<double>()),
                "JSON has no NaN and no infinity, but one is at " + quote(pointer));
  } else if (value.is_structured()) {
    for (const auto& [key, member] : value.items()) {
      check_writable(member, pointer + pointer_step(key));
    }
  }
}

std::string dump(const json& value, int indent) {
  check_writable(value, "");
  try {
    return value.dump(indent);
  } catch (const json::type_error& error) {
    throw LogicError(std::string("text that is no UTF-8 in a JSON value: ") + error.what());
  }
}

}  // namespace

std::string pointer_step(const std::string& key) {
  std::string step = "/";
  for (const char c : key) {
    if (c == '~') {
      step += "~0";
    } else if (c == '/') {
      step += "~1";
    } else {
      step += c;
    }
  }
  return step;
}

std::string place_in(const std::string& where, const std::string& pointer) {
  const bool goes_on = pointer.empty() || where.find(": /") != std::string::npos;
  return where + (goes_on ? "" : ": ") + pointer;
}

json parse_json_from_line(std::string_view text, const std::string& where, Comments comments,
                          int first_line) {
  const Place place(text, where, comments, first_line);
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    place.refuse_at(where, "a JSON value", "nothing", "the file is empty");
  }
  const char* seen = text.data();
  Builder builder(place, text.data(), &seen);
  json::sax_parse(Cursor(text.data(), &seen), Cursor(text.data() + text.size(), &seen), &builder,
                  json::input_format_t::json, true, comments == Comments::allowed);
  return builder.take();
}

json parse_json(std::string_view text, const std::string& where, Comments comments) {
  return parse_json_from_line(text, where, comments, 1);
}

json load_json(const std::filesystem::path& file, Comments comments) {
  if (comments == Comments::refused) return parse_json(read_file(file), file.string(), comments);
  try {
    return parse_json(read_file(file), file.string(), comments);
  } catch (const FormatError& error) {
    throw ConfigError(error.what());
  }
}

std::string dump_json(const json& value) { return dump(value, 2) + "\n"; }

std::string dump_json_line(const json& value) { return dump(value, -1); }

}  // namespace lathe
