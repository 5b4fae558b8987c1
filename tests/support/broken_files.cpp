#include "tests/support/broken_files.hpp"

#include "spaces/base/json_io.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/scratch_folder.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <optional>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

namespace lathe::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using Pointer = json::json_pointer;

constexpr const char* kRaw = "@raw@";
constexpr std::size_t kShown = 25;  ///< complaints in one message

const std::vector<std::pair<Mutation, const char*>> kReplacements = {
    {Mutation::null, "null"},
    {Mutation::yes, "true"},
    {Mutation::integer, "7"},
    {Mutation::fraction, "1.5"},
    {Mutation::text, "\"x\""},
    {Mutation::list, "[]"},
    {Mutation::object, "{}"},
    {Mutation::minus, "-1"},
    {Mutation::huge, "1000000000000000000"},
    {Mutation::minus_huge, "-1000000000000000000"},
    {Mutation::unsigned64, "9223372036854775808"},
    {Mutation::beyond, "18446744073709551616"}};

/// Whether a replacement says something about a value of this type: numbers get all that are
/// numbers of another kind, others one number.
bool is_apt(Mutation mutation, const json& value) {
  switch (mutation) {
    case Mutation::null:
      return !value.is_null();
    case Mutation::yes:
      return !value.is_boolean();
    case Mutation::integer:
      return !value.is_number();
    case Mutation::fraction:
      return !value.is_number_float();
    case Mutation::text:
      return !value.is_string();
    case Mutation::list:
      return !value.is_array();
    case Mutation::object:
      return !value.is_object();
    default:
      return value.is_number();
  }
}

const char* name_of(Mutation mutation) {
  static const char* const names[] = {"null",   "true",   "integer", "fraction",    "text",
                                      "list",   "object", "n.0",     "-1",          "10^18",
                                      "-10^18", "2^63",   "2^64",    "unknown key", "misspelt key"};
  return names[static_cast<int>(mutation)];
}

std::vector<std::string> steps_of(const std::string& pointer) {
  std::vector<std::string> steps;
  for (std::size_t at = 0; at < pointer.size();) {
    const std::size_t next = std::min(pointer.find('/', at + 1), pointer.size());
    steps.push_back(pointer.substr(at + 1, next - at - 1));
    at = next;
  }
  return steps;
}

bool matches(const std::string& pattern, const std::string& pointer) {
  const auto wanted = steps_of(pattern), found = steps_of(pointer);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] == "**") return true;
    if (i == found.size() || (wanted[i] != "*" && wanted[i] != found[i])) return false;
  }
  return wanted.size() == found.size();
}

/// Without write_file's flush to disk, which costs more than all else.
void put(const fs::path& file, const std::string& bytes) {
  fs::remove(file);  // some file systems flush what is overwritten
  std::ofstream(file, std::ios::binary) << bytes;
}

/// A document, or the lines of JSONL as a list.
class Document {
 public:
  Document(const std::string& text, bool lines) : lines_(lines) {
    if (!lines) {
      value_ = parse_json(text, "valid", Comments::allowed);
      return;
    }
    value_ = json::array();
    parse_jsonl(text, "valid", [&](int, const json& line) { value_.push_back(line); });
  }

  const json& value() const { return value_; }

  /// The document's text with `raw` in place of what stands at the pointer.
  std::string with(const Pointer& pointer, const std::string& raw) const {
    json changed = value_;
    changed[pointer] = kRaw;
    return text_of(changed, raw);
  }
  /// The same for a whole new value.
  std::string with_value(const Pointer& pointer, const json& value) const {
    json changed = value_;
    changed[pointer] = value;
    return text_of(changed, "");
  }

  /// Texts one of which a message about the place has to hold.
  std::vector<std::string> places(const Pointer& pointer) const {
    std::string text = pointer.to_string();
    std::vector<std::string> places;
    if (lines_) {
      const std::size_t slash = text.find('/', 1);
      const int line = std::stoi(text.substr(1, slash)) + 1;
      text = slash == std::string::npos ? "" : text.substr(slash);
      places = {"line " + std::to_string(line) + ": " + text,
                ":" + std::to_string(line) + ": " + text};
      if (text.empty()) places = {"line " + std::to_string(line), ":" + std::to_string(line)};
    } else {
      places = {": " + text + ":"};
      if (text.empty()) places = {""};
    }
    return places;
  }

 private:
  std::string text_of(const json& value, const std::string& raw) const {
    std::string text;
    if (lines_) {
      for (const json& line : value) text += line.dump() + "\n";
    } else {
      text = value.dump(1) + "\n";
    }
    const std::string quoted = std::string("\"") + kRaw + "\"";
    const std::size_t at = text.find(quoted);
    if (at != std::string::npos) text.replace(at, quoted.size(), raw);
    return text;
  }

  bool lines_;
  json value_;
};

class Checker {
 public:
  explicit Checker(const BrokenFiles& files) : files_(files), file_(folder_ / files.name) {}

  std::map<std::string, int> run_all() {
    expect_read("as it is", files_.valid);
    run_places();
    run_whole();
    const Document document(files_.valid, files_.lines);
    document_ = &document;
    const json flat = document.value().flatten();
    for (const auto& [pointer, value] : flat.items()) {
      visit_with_parents(pointer);
    }
    finish();
    return tally_;
  }

  void run_texts(const std::vector<BrokenText>& texts) {
    expect_read("as it is", files_.valid);
    run_places();
    for (const BrokenText& broken : texts) {
      expect_refused("text", quote(broken.text), broken.text, {broken.expected}, "");
    }
    finish();
  }

 private:
  struct Outcome {
    std::optional<std::string> message;  ///< of the error; nothing: it was read
    ExitCode code = ExitCode::ok;
  };

  Outcome read() const {
    try {
      files_.read(file_);
      return {};
    } catch (const Error& error) {
      return {error.what(), error.exit_code()};
    } catch (const std::exception& error) {
      return {std::string("not an error of ours: ") + error.what(), ExitCode::bug};
    }
  }

  void complain(const std::string& what, const std::string& message) {
    complaints_.push_back(what + "\n    " + message);
  }

  void expect_read(const std::string& what, const std::string& bytes) {
    put(file_, bytes);
    const Outcome outcome = read();
    if (outcome.message) complain(what + ": has to be read", *outcome.message);
    check_folder(what);
  }

  void expect_refused(const std::string& kind, const std::string& at, const std::string& bytes,
                      const std::vector<std::string>& places, const std::string& word) {
    put(file_, bytes);
    check_refused(kind, at, places, word);
  }

  void check_refused(const std::string& kind, const std::string& at,
                     const std::vector<std::string>& places, const std::string& word) {
    ++tally_[kind];
    const std::string what = kind + (at.empty() ? "" : " at " + at);
    const Outcome outcome = read();
    if (!outcome.message) {
      complain(what, "was read");
      return;
    }
    const std::string& message = *outcome.message;
    const auto has = [&](const std::string& part) {
      return message.find(part) != std::string::npos;
    };
    const std::size_t expected = message.find(": expected ");
    if (outcome.code != files_.code) {
      complain(what + ": exit code " + std::to_string(static_cast<int>(outcome.code)), message);
    } else if (!has(kind == "missing" ? file_.stem().string() : file_.string())) {
      complain(what + ": does not name the file", message);
    } else if (expected == std::string::npos ||
               message.find(", got ", expected) == std::string::npos) {
      complain(what + ": has no expectation or no finding", message);
    } else if (std::none_of(places.begin(), places.end(), has) && !names_entry(message)) {
      complain(what + ": does not name the place " + places.front(), message);
    } else if (!has(word)) {
      complain(what + ": does not name " + word, message);
    } else if (message.find('\n') != std::string::npos) {
      complain(what + ": is not one line", message);
    }
    check_folder(what);
  }

  /// What stands under a free key may be refused by the place of its object and its name.
  bool names_entry(const std::string& message) const {
    if (entry_.empty()) return false;
    for (const std::string& place : document_->places(entry_.parent_pointer())) {
      if (message.find(place) != std::string::npos) {
        return message.find('"' + entry_.back() + '"') != std::string::npos;
      }
    }
    return false;
  }

  /// Nothing but the file may stand in the folder.
  void check_folder(const std::string& what) {
    for (const auto& entry : fs::directory_iterator(folder_.path())) {
      if (entry.path() != file_) complain(what, "wrote " + entry.path().string());
    }
  }

  void run_places() {
    fs::remove(file_);
    check_refused("missing", "", {""}, files_.missing);
    fs::create_directory(file_);
    check_refused("folder", "", {""}, "a folder");
    fs::remove(file_);
    put(file_, files_.valid);
    fs::permissions(folder_.path(), fs::perms(0755));
    fs::permissions(file_, fs::perms::none);
    // Root may read everything, so the check is made as nobody.
    const bool is_root = ::geteuid() == 0;
    if (!is_root || ::seteuid(65534) == 0) {
      check_refused("unreadable", "", {""}, "Permission denied");
      if (is_root) REQUIRE(::seteuid(0) == 0);
    }
    fs::permissions(file_, fs::perms(0644));
  }

  /// Without a newline at the end it is torn, which is lawful in JSONL after the first line.
  bool is_lawful_cut(const std::string& bytes) const {
    const std::size_t last = files_.valid.find_last_not_of(" \n");
    if (bytes.size() > last) return true;
    return files_.lines && (files_.may_be_empty || bytes.find('\n') != std::string::npos);
  }

  void run_whole() {
    const std::string line = files_.lines ? "\n" : "";
    if (!files_.lines) {
      expect_refused("empty", "", "", {""}, "");
      expect_refused("blank", "", " \n\t\n", {""}, "");
      expect_refused("more after it", "", files_.valid + "{}", {": line "}, "");
    }
    for (std::size_t size = 1; size < files_.valid.size(); size *= 2) {
      const std::string bytes = files_.valid.substr(0, size);
      if (is_lawful_cut(bytes)) continue;
      const std::string place = files_.lines ? "" : ": line ";
      expect_refused("cut off", std::to_string(size), bytes, {place}, "");
    }
    for (const auto& [mutation, raw] : kReplacements) {
      if (mutation == Mutation::minus) break;  // only the types
      if (is_in(files_.lawful, Pointer(), mutation)) {
        expect_read(raw, raw + line);
      } else {
        expect_refused("another value", raw, raw + line, {""}, "");
      }
    }
    const std::string deep(65, '[');
    expect_refused("too deep", "", deep + std::string(65, ']') + line, {": line "}, "64");
  }

  /// Every value has to be met once, containers too, which flatten() leaves out.
  void visit_with_parents(const std::string& text) {
    for (Pointer pointer(text);; pointer.pop_back()) {
      if (!visited_.insert(pointer.to_string()).second) return;
      const bool is_line = files_.lines && steps_of(pointer.to_string()).size() == 1;
      if (!pointer.empty() && !is_line) visit(pointer);
      if (!pointer.empty() || !files_.lines) visit_keys(pointer);
      if (pointer.empty()) return;
    }
  }

  static bool is_in(const std::vector<Lawful>& list, const Pointer& pointer, Mutation mutation) {
    return std::any_of(list.begin(), list.end(), [&](const Lawful& lawful) {
      const auto& all = lawful.mutations;
      return matches(lawful.place, pointer.to_string()) &&
             (all.empty() || std::find(all.begin(), all.end(), mutation) != all.end());
    });
  }

  bool is_index(const Pointer& pointer) const {
    if (pointer.empty() || (files_.lines && pointer.parent_pointer().empty())) return false;
    return document_->value().at(pointer.parent_pointer()).is_array();
  }

  void try_at(const Pointer& pointer, Mutation mutation, const std::string& bytes,
              const std::string& word = "") {
    const std::string at = pointer.to_string();
    if (is_in(files_.lawful, pointer, mutation)) {
      ++tally_["lawful"];
      expect_read(std::string(name_of(mutation)) + " at " + at, bytes);
      return;
    }
    std::vector<std::string> places = document_->places(pointer);
    if (mutation == Mutation::object) {  // the first key that it lacks
      for (std::string& place : places) {
        if (!place.empty() && place.back() == ':') place.back() = '/';
      }
      for (std::string& place : document_->places(pointer)) places.push_back(place);
    }
    if (is_in(files_.elsewhere, pointer, mutation)) places = {""};
    if (mutation == Mutation::unknown) {
      for (const std::string& place : document_->places(pointer / word)) places.push_back(place);
    }
    // An element may be refused by the name of its list.
    for (Pointer list = pointer; is_index(list);) {
      list.pop_back();
      for (const std::string& place : document_->places(list)) places.push_back(place);
    }
    entry_ = pointer;
    while (is_index(entry_)) entry_.pop_back();
    expect_refused(name_of(mutation), at, bytes, places, word);
    entry_ = Pointer();
  }

  void visit(const Pointer& pointer) {
    const json& value = document_->value().at(pointer);
    for (const auto& [mutation, raw] : kReplacements) {
      if (is_apt(mutation, value) && value.dump() != raw)
        try_at(pointer, mutation, document_->with(pointer, raw));
    }
    if (pointer.back() == "format")
      try_at(pointer, Mutation::text, document_->with(pointer, "\"x\""));
    if (value.is_number_integer()) {
      try_at(pointer, Mutation::whole, document_->with(pointer, value.dump() + ".0"));
    }
    const std::string at = pointer.to_string();
    if (value.is_number()) {
      for (const char* raw : {"NaN", "Infinity", "-Infinity", "1e400"}) {
        expect_refused(raw, at, document_->with(pointer, raw), {": line "}, "");
      }
    }
    if (value.is_string()) {
      expect_refused("no UTF-8", at, document_->with(pointer, "\"\xFF\""), {": line "}, "UTF-8");
    }
  }

  void visit_keys(const Pointer& pointer) {
    const json& object = document_->value().at(pointer);
    if (!object.is_object()) return;
    json more = object;
    more["no_such_key"] = 1;
    try_at(pointer, Mutation::unknown, document_->with_value(pointer, more), "no_such_key");
    for (const auto& [key, value] : object.items()) {
      json changed = object;
      changed.erase(key);
      const std::string misspelt = key.substr(0, 1) + "q" + key.substr(1);
      changed[misspelt] = value;
      try_misspelt(pointer, key, misspelt, document_->with_value(pointer, changed));
      const std::string twice = value.dump() + "," + json(key).dump() + ":" + value.dump();
      expect_refused("key twice", pointer.to_string(), document_->with(pointer / key, twice),
                     {": line "}, "second key \"" + key);
    }
  }

  /// Where the key is required, its own place is named, else the object's.
  void try_misspelt(const Pointer& pointer, const std::string& key, const std::string& misspelt,
                    const std::string& bytes) {
    if (is_in(files_.lawful, pointer, Mutation::misspelt)) {
      ++tally_["lawful"];
      expect_read("misspelt " + key + " at " + pointer.to_string(), bytes);
      return;
    }
    std::vector<std::string> places = document_->places(pointer);
    for (const std::string& name : {key, misspelt}) {
      for (const std::string& place : document_->places(pointer / name)) places.push_back(place);
    }
    const bool fits_elsewhere = is_in(files_.elsewhere, pointer, Mutation::misspelt);
    if (fits_elsewhere) places = {""};
    expect_refused(name_of(Mutation::misspelt), (pointer / key).to_string(), bytes, places,
                   fits_elsewhere ? "" : key);
  }

  void finish() const {
    std::string all;
    for (std::size_t i = 0; i < std::min(kShown, complaints_.size()); ++i) {
      all += complaints_[i] + "\n";
    }
    INFO(complaints_.size() << " of the broken forms of " << files_.name << ":\n" << all);
    CHECK(complaints_.empty());
  }

  const BrokenFiles& files_;
  const ScratchFolder folder_;
  const fs::path file_;
  const Document* document_ = nullptr;
  std::set<std::string> visited_;
  Pointer entry_;  ///< the member of an object that is broken, if it is one
  std::vector<std::string> complaints_;
  std::map<std::string, int> tally_;
};

}  // namespace

std::map<std::string, int> check_broken_files(const BrokenFiles& files) {
  return Checker(files).run_all();
}

void check_broken_texts(const BrokenFiles& files, const std::vector<BrokenText>& texts) {
  Checker(files).run_texts(texts);
}

std::string example_in(const std::string& page, const std::string& language) {
  const std::string text = read_file("docs/file-formats/" + page);
  const std::string fence = "```" + language + "\n";
  const auto begin = text.find(fence);
  REQUIRE(begin != std::string::npos);
  const auto from = begin + fence.size();
  return text.substr(from, text.find("```", from) - from);
}

}  // namespace lathe::test
