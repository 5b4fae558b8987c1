#pragma once

#include "latency/origin.hpp"

#include <nlohmann/json_fwd.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lathe::latency {

/// What an item is measured for.
enum class Role { block, fit, check, network };

/// One measuring in a log of raw samples: its head and its samples, in the order in which they
/// came. The origin's date is that of the start.
struct LogSection : Origin {
  std::vector<Role> roles;  ///< of each item
  std::vector<Item> items;
  std::vector<Sample> samples;
};

/// Rounds of each item that have runs.
std::vector<std::vector<int>> done_rounds(const LogSection& section);

/// The section's head as the log's line (docs/file-formats/measurement-log.md).
nlohmann::json section_line(const LogSection& section);
/// A sample as the log's line.
nlohmann::json sample_line(const Sample& sample);

/// All sections. A torn last line is dropped and its number put into `torn` (0: none). FormatError
/// with the line's number: not a log of ours, an item or round that is not there, a round twice.
std::vector<LogSection> read_log(const std::filesystem::path& file, int* torn = nullptr);
/// The same for the text of a file, named `file` in messages.
std::vector<LogSection> parse_log(std::string_view text, const std::filesystem::path& file,
                                  int* torn = nullptr);

/// What makes two measurings different ("rounds: 12, not 10"), or nullopt. Dates and builds may
/// differ.
std::optional<std::string> difference(const LogSection& found, const LogSection& wanted);

}  // namespace lathe::latency
