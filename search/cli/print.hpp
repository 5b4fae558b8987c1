#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lathe::cli {

/// A result for stdout. Throws ResourceError if it cannot be written (a full disk behind a pipe).
void print(std::string_view text);
/// One JSON value on its own line.
void print_json(const nlohmann::json& value);
/// Flushes stdout; the last thing that a command does. Throws ResourceError.
void flush_output();

/// "300,774,272"
std::string grouped(std::int64_t number);
/// "1 thread", "1,200 threads".
std::string counted(std::int64_t number, const std::string& thing);
/// "45.1 %" of a fraction, for people.
std::string percent(double fraction, int decimals = 1);
/// printf's %.*g.
std::string digits(double number, int significant);

enum class Align { left, right };
struct Column {
  std::string title;
  Align align = Align::right;
};
/// Aligned columns with two spaces between them and a line of titles; empty titles leave that line
/// out. Titles are bold where stdout is a terminal.
std::string table_text(const std::vector<Column>& columns,
                       const std::vector<std::vector<std::string>>& rows);

/// Names and what is to say of them, in two columns; long texts go on below themselves, so that a
/// line has at most 79 columns. A "network" stays on one line, to be copied.
std::string facts_text(const std::vector<std::pair<std::string, std::string>>& facts);
/// `text` broken at spaces into lines of at most 79 columns, each but the first set in by `indent`.
std::string wrapped(const std::string& text, std::size_t indent);

}  // namespace lathe::cli
