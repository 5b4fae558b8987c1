#include "search/cli/csv.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/json_io.hpp"

#include <cmath>
#include <cstdlib>
#include <sstream>

namespace lathe::cli {
namespace {

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream stream(line);
  for (std::string cell; std::getline(stream, cell, ',');) cells.push_back(cell);
  if (!line.empty() && line.back() == ',') cells.emplace_back();
  return cells;
}

}  // namespace

std::vector<std::map<std::string, std::string>> read_csv(const std::filesystem::path& file,
                                                         const std::string& columns) {
  const std::string bytes = read_file(file);
  std::istringstream text(bytes);
  std::string line;
  std::getline(text, line);
  if (line != columns) {
    throw FormatError(Problem{file.string() + ": line 1", columns, quote(line), ""});
  }
  if (bytes.back() != '\n') {
    throw FormatError(Problem{file.string(), "a newline at the end", "a torn last line", ""});
  }
  const std::vector<std::string> names = cells_of(line);
  std::vector<std::map<std::string, std::string>> rows;
  while (std::getline(text, line)) {
    const std::vector<std::string> cells = cells_of(line);
    if (cells.size() != names.size()) {
      throw FormatError(Problem{file.string() + ": line " + std::to_string(rows.size() + 2),
                                std::to_string(names.size()) + " cells",
                                std::to_string(cells.size()), ""});
    }
    std::map<std::string, std::string> row;
    for (std::size_t i = 0; i < names.size(); ++i) row[names[i]] = cells[i];
    rows.push_back(std::move(row));
  }
  return rows;
}

double number_in(const std::map<std::string, std::string>& row, const std::string& column,
                 const std::filesystem::path& file) {
  const auto cell = row.find(column);
  if (cell != row.end()) {
    char* end = nullptr;
    const double value = std::strtod(cell->second.c_str(), &end);
    const bool whole = !cell->second.empty() && *end == '\0';
    if (whole && std::isfinite(value)) return value;
  }
  throw FormatError(Problem{file.string(), "a number in column " + column,
                            cell == row.end() ? "no such column" : '"' + cell->second + '"', ""});
}

}  // namespace lathe::cli
