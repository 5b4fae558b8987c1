#include "search/cli/print.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/json_io.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <sstream>
#include <unistd.h>

namespace lathe::cli {
namespace {

constexpr std::size_t kColumns = 79;

[[noreturn]] void refuse() {
  throw ResourceError(std::string("stdout: expected to write the result, got ") +
                      std::strerror(errno));
}

std::string line_of(const std::vector<Column>& columns, const std::vector<std::string>& cells,
                    const std::vector<std::size_t>& widths) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::string fill(widths[i] - cells[i].size(), ' ');
    line += (i > 0 ? "  " : "");
    line += columns[i].align == Align::left ? cells[i] + fill : fill + cells[i];
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

}  // namespace

void print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) refuse();
}

void print_json(const nlohmann::json& value) { print(dump_json_line(value) + "\n"); }

void flush_output() {
  if (std::fflush(stdout) != 0) refuse();
}

std::string grouped(std::int64_t number) {
  std::string text = std::to_string(number);
  const std::size_t first = number < 0 ? 1 : 0;
  for (std::size_t i = text.size(); i > first + 3; i -= 3) text.insert(i - 3, ",");
  return text;
}

std::string counted(std::int64_t number, const std::string& thing) {
  return grouped(number) + " " + thing + (number == 1 ? "" : "s");
}

std::string percent(double fraction, int decimals) {
  char text[48];
  std::snprintf(text, sizeof text, "%.*f %%", decimals, fraction * 100);
  return text;
}

std::string digits(double number, int significant) {
  char text[48];
  std::snprintf(text, sizeof text, "%.*g", significant, number);
  return text;
}

std::string table_text(const std::vector<Column>& columns,
                       const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::string> titles;
  std::vector<std::size_t> widths;
  for (const Column& column : columns) {
    titles.push_back(column.title);
    widths.push_back(column.title.size());
  }
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string all;
  if (std::any_of(titles.begin(), titles.end(), [](const auto& title) { return !title.empty(); })) {
    const bool bold = isatty(STDOUT_FILENO) == 1;
    all += (bold ? "\033[1m" : "") + line_of(columns, titles, widths) + (bold ? "\033[0m\n" : "\n");
  }
  for (const auto& row : rows) all += line_of(columns, row, widths) + "\n";
  return all;
}

std::string wrapped(const std::string& text, std::size_t indent) {
  std::istringstream words(text);
  std::string line, all, word;
  const std::size_t width = kColumns - indent;
  while (words >> word) {
    if (!line.empty() && line.size() + 1 + word.size() > width) {
      all += line + "\n" + std::string(indent, ' ');
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
  }
  return all + line;
}

std::string facts_text(const std::vector<std::pair<std::string, std::string>>& facts) {
  std::size_t widest = 0;
  for (const auto& [name, value] : facts) widest = std::max(widest, name.size());
  std::string all;
  for (const auto& [name, value] : facts) {
    all += name + std::string(widest + 2 - name.size(), ' ');
    all += (name == "network" ? value : wrapped(value, widest + 2)) + "\n";
  }
  return all;
}

}  // namespace lathe::cli
