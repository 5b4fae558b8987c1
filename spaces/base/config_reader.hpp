#pragma once

#include "spaces/base/units.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace lathe {

/// Closed interval of allowed numbers.
template <typename T>
struct Range {
  T least, most;
};

/// Which kind of error a bad value is: a config's or a flag's (exit 2), another file's (exit 3).
enum class Strictness { config, data };

/// Reads typed values from one JSON value, knows file and JSON pointer for its messages, and in
/// describe mode lists its keys instead. One line per key says type, range and meaning; the member
/// that is passed in holds the default and keeps it where the key is absent (unless required).
///
///     struct EvolutionConfig {
///       int population = 64;
///       void read(ConfigReader& r) {
///         r.integer("population", population, {8, 4096}, "candidates kept per generation");
///       }
///     };
///
/// Every value is checked for its stored type first: 1.0 or true is no integer, an integer is a
/// number. NaN cannot occur (JSON has none). Unknown keys are refused when the body of an object
/// ends, naming the nearest known key. All members throw ConfigError or FormatError by Strictness.
class ConfigReader {
 public:
  /// Reads `value` of `file`; calls body once and then refuses leftovers.
  static void read(const nlohmann::json& value, const std::filesystem::path& file,
                   Strictness strictness, const std::function<void(ConfigReader&)>& body);
  /// Runs body without a value; returns one line a key, as declared: path, type and range, default
  /// or "required", meaning, in aligned columns; members of lists have N for the index.
  static std::string describe(const std::function<void(ConfigReader&)>& body);
  /// As read, and returns the resolved value: every declared key with the value that it got, file
  /// names absolute, so that it can be read again from anywhere and resolves to itself. Objects,
  /// lists of objects and numbers and durations with an infinite default are left out where the
  /// value lacks them.
  static nlohmann::json resolve(const nlohmann::json& value, const std::filesystem::path& file,
                                Strictness strictness,
                                const std::function<void(ConfigReader&)>& body);

  /// An integer in the range.
  void integer(const std::string& key, int& value, Range<int> range, const std::string& meaning);
  /// The same, 64 bits wide.
  void integer64(const std::string& key, std::int64_t& value, Range<std::int64_t> range,
                 const std::string& meaning);
  /// An integer or a fraction in the range; infinite ends of a range are left out of the texts.
  void number(const std::string& key, double& value, Range<double> range,
              const std::string& meaning);
  /// true or false.
  void boolean(const std::string& key, bool& value, const std::string& meaning);
  /// Any text.
  void string(const std::string& key, std::string& value, const std::string& meaning);
  /// One of `words`.
  void word(const std::string& key, std::string& value, const std::vector<std::string>& words,
            const std::string& meaning);
  /// "20ms"; see parse_duration.
  void duration(const std::string& key, Micros& value, Range<Micros> range,
                const std::string& meaning);
  /// The name of a file or folder, not checked to exist. Relative names are relative to the config
  /// file's folder, overridden ones too; an empty text is no name.
  void file(const std::string& key, std::filesystem::path& value, const std::string& meaning);
  /// Lists of such values; an error names the index.
  void integers(const std::string& key, std::vector<int>& value, Range<int> range,
                const std::string& meaning);
  void numbers(const std::string& key, std::vector<double>& value, Range<double> range,
               const std::string& meaning);
  void strings(const std::string& key, std::vector<std::string>& value, const std::string& meaning);

  /// A nested object; body is run on it (in describe mode always). Absent: nothing is read, unless
  /// required.
  void object(const std::string& key, const std::function<void(ConfigReader&)>& body,
              const std::string& meaning);
  /// An object that may be left out when all its keys may: absent, body reads an empty one, so that
  /// its defaults are resolved too.
  void section(const std::string& key, const std::function<void(ConfigReader&)>& body,
               const std::string& meaning);
  /// A list of objects; body is called with the index for each, and in describe mode once, with 0.
  void objects(const std::string& key, const std::function<void(ConfigReader&, std::size_t)>& body,
               const std::string& meaning);
  /// An object with free keys (names of devices, of tables): called for each in the order of the
  /// names.
  void entries(const std::string& key,
               const std::function<void(const std::string&, const nlohmann::json&)>& entry,
               const std::string& meaning);
  /// Any JSON value, taken as it is: for what another reader reads.
  void any(const std::string& key, nlohmann::json& value, const std::string& meaning);

  /// "format" and "version" of the file: both required, and exactly these.
  void header(const std::string& format, int version);

  /// The next key declared must be present.
  ConfigReader& required();
  /// True if the object has the key; false in describe mode.
  bool has(const std::string& key) const;
  /// True in describe mode: conditional parts should all be declared.
  bool describing() const;
  /// Refuses what was read under `key` (empty: this object): throws with file, pointer, expected,
  /// found, remedy.
  [[noreturn]] void refuse(const std::string& key, const std::string& expected,
                           const std::string& found, const std::string& remedy = "") const;
  /// The file that is read, as it was named.
  const std::filesystem::path& file_name() const;

  ~ConfigReader();
  ConfigReader(const ConfigReader&) = delete;
  ConfigReader& operator=(const ConfigReader&) = delete;

 private:
  struct Shared;
  struct State;
  explicit ConfigReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Applies one override "path.to.key=value" (arrays by index; the value is JSON if it parses, else
/// a string) to a config before it is read. Keys that have dots themselves ("latency.pixel") are
/// found where the config has them: the longest that fits is taken. Throws ConfigError, changing
/// nothing, if a parent of the path is missing or not a container, or an index is outside its list;
/// whether the key itself exists is checked by the reader.
void apply_override(nlohmann::json& config, const std::string& assignment);

}  // namespace lathe
