#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace lathe::cli {

/// The rows of one of our CSV files (a line of names, then values without commas or quotes), each
/// by column name. FormatError names the file and line where the names are not `columns`, a row has
/// another number of cells, or the last line is torn.
std::vector<std::map<std::string, std::string>> read_csv(const std::filesystem::path& file,
                                                         const std::string& columns);

/// A cell that holds a number. FormatError names the file, line and column.
double number_in(const std::map<std::string, std::string>& row, const std::string& column,
                 const std::filesystem::path& file);

}  // namespace lathe::cli
