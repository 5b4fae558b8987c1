#pragma once

#include "search/cli/options.hpp"

#include <nlohmann/json_fwd.hpp>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace lathe::cli {

/// A table for people: on the terminal, or in a page.
struct TextTable {
  std::vector<std::string> titles;
  std::vector<std::vector<std::string>> rows;
};

/// What a search found, in words and tables; the one source of the screen and of the page.
struct SearchSummary {
  std::string headline;    ///< "tiny: error against latency, 400 networks evaluated"
  TextTable front;         ///< at most 16 points, evenly spread, the chosen one marked
  std::string front_note;  ///< which points are shown
  std::vector<std::pair<std::string, std::string>> chosen;  ///< name and text; empty: none chosen
  bool has_weights = false;  ///< a supernet judged: the chosen network can be exported
  std::string verdict;       ///< of the comparison with hand-made networks; empty: not compared
  TextTable compared;
  std::vector<std::pair<std::string, std::string>> files;  ///< name and what it holds
};

/// Reads front.json, best.json, measured.json and comparison.json of a run. FormatError.
SearchSummary summarise_search(const std::filesystem::path& folder);

/// The last screen of a search: the summary and the next command to try, or best.json as one line.
void print_search_summary(const General& general, const std::filesystem::path& folder);

}  // namespace lathe::cli
