#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace lathe {

/// Whether `//` and `/* */` comments are allowed: in configs and spaces, not in data.
enum class Comments { refused, allowed };

/// Parses strictly: one value, no duplicate keys, no trailing text, depth at most 64. `where` is
/// the file name (or "--set") for the message, which adds line and column. Throws FormatError, or
/// ConfigError where comments are allowed (configs).
nlohmann::json parse_json(std::string_view text, const std::string& where, Comments comments);

/// Reads a whole file. Throws FormatError: missing (names the nearest existing name in the folder),
/// a folder, unreadable, larger than `max_bytes`.
std::string read_file(const std::filesystem::path& file,
                      std::uintmax_t max_bytes = std::uintmax_t(4) << 30);

/// read_file and parse_json. A config's errors (comments allowed) are ConfigError, exit 2; of other
/// files FormatError, exit 3.
nlohmann::json load_json(const std::filesystem::path& file, Comments comments);

/// Canonical text: two-space indent, keys in order, numbers as a short text that reads back
/// equal, a newline at the end. Throws LogicError, naming the JSON pointer, on NaN, infinity or
/// text that is no UTF-8.
std::string dump_json(const nlohmann::json& value);
/// The same on one line, without the newline: for JSONL.
std::string dump_json_line(const nlohmann::json& value);

/// Writes whole or not at all: temporary name in the same folder, flush to disk, rename. Throws
/// ResourceError with the system's words (disk full, read-only), or ConfigError if the folder to
/// write in does not exist or the name is a folder's; the old file is then intact.
void write_file(const std::filesystem::path& file, std::string_view bytes);

/// Writes through a callback that may be called with pieces, for large files; same guarantee.
void write_file_pieces(
    const std::filesystem::path& file,
    const std::function<void(const std::function<void(std::string_view)>&)>& body);

/// An append-only text file of one JSON value a line, flushed to the system after every line.
class JsonlWriter {
 public:
  /// Opens for appending, creating it if absent. A torn last line (no newline) is cut off first.
  /// Throws ResourceError, or ConfigError if its folder does not exist.
  explicit JsonlWriter(const std::filesystem::path& file);
  ~JsonlWriter();
  JsonlWriter(JsonlWriter&&) noexcept;
  JsonlWriter& operator=(JsonlWriter&&) noexcept;
  /// Throws ResourceError; then nothing of the line counts.
  void append(const nlohmann::json& value);

 private:
  std::filesystem::path file_;
  int descriptor_ = -1;
};

/// Calls line(number from 1, value) for every line. A torn last line is dropped and its number
/// returned (0: none); any other bad line throws FormatError with its number.
int read_jsonl(const std::filesystem::path& file,
               const std::function<void(int, const nlohmann::json&)>& line);
/// The same for the bytes of a file, named `where` in messages.
int parse_jsonl(std::string_view bytes, const std::string& where,
                const std::function<void(int, const nlohmann::json&)>& line);

}  // namespace lathe
