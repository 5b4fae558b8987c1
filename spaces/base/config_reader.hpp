#pragma once

#include "spaces/base/units.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
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
  /// Runs body without a value; returns the table of keys as text (path, type, range, default,
  /// meaning), sorted as declared.
  static std::string describe(const std::function<void(ConfigReader&)>& body);
  /// As read, and returns the resolved value: every declared key with the value that it got.
  static nlohmann::json resolve(const nlohmann::json& value, const std::filesystem::path& file,
                                Strictness strictness,
                                const std::function<void(ConfigReader&)>& body);

  void integer(const std::string& key, int& value, Range<int> range, const std::string& meaning);
  void integer64(const std::string& key, std::int64_t& value, Range<std::int64_t> range,
                 const std::string& meaning);
  void number(const std::string& key, double& value, Range<double> range,
              const std::string& meaning);
  void boolean(const std::string& key, bool& value, const std::string& meaning);
  void string(const std::string& key, std::string& value, const std::string& meaning);
  /// One of `words`.
  void word(const std::string& key, std::string& value, const std::vector<std::string>& words,
            const std::string& meaning);
  /// "20ms"; see parse_duration.
  void duration(const std::string& key, Micros& value, Range<Micros> range,
                const std::string& meaning);
  /// Relative names are relative to the config file's folder.
  void file(const std::string& key, std::filesystem::path& value, const std::string& meaning);
  void integers(const std::string& key, std::vector<int>& value, Range<int> range,
                const std::string& meaning);
  void numbers(const std::string& key, std::vector<double>& value, Range<double> range,
               const std::string& meaning);
  void strings(const std::string& key, std::vector<std::string>& value, const std::string& meaning);

  /// A nested object; body is run on it (in describe mode always). Absent: nothing is read, unless
  /// required.
  void object(const std::string& key, const std::function<void(ConfigReader&)>& body,
              const std::string& meaning);
  /// A list of objects; body is called with the index for each.
  void objects(const std::string& key, const std::function<void(ConfigReader&, std::size_t)>& body,
               const std::string& meaning);
  /// An object with free keys (names of devices, of tables): called for each in file order.
  void entries(const std::string& key,
               const std::function<void(const std::string&, const nlohmann::json&)>& entry,
               const std::string& meaning);
  /// Any JSON value, taken as it is: for what another reader reads.
  void any(const std::string& key, nlohmann::json& value, const std::string& meaning);

  /// "format" and "version" of the file, which come first.
  void header(const std::string& format, int version);

  /// The next key declared must be present.
  ConfigReader& required();
  bool has(const std::string& key) const;
  /// True in describe mode: conditional parts should all be declared.
  bool describing() const;
  /// Refuses what was read under `key`: throws with file, pointer, expected, found, remedy.
  [[noreturn]] void refuse(const std::string& key, const std::string& expected,
                           const std::string& found, const std::string& remedy = "") const;
  const std::filesystem::path& file_name() const;

  ~ConfigReader();
  ConfigReader(const ConfigReader&) = delete;
  ConfigReader& operator=(const ConfigReader&) = delete;

 private:
  struct State;
  explicit ConfigReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Applies one override "path.to.key=value" (arrays by index; the value is JSON if it parses, else
/// a string) to a config before it is read. Throws ConfigError if a parent of the path is missing
/// or not a container; whether the key itself exists is checked by the reader.
void apply_override(nlohmann::json& config, const std::string& assignment);

}  // namespace lathe
