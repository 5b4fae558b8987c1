#pragma once

#include <nlohmann/json_fwd.hpp>

#include <filesystem>
#include <string_view>

// What a finished search left for people and for lathe export, read back:
// docs/file-formats/run-directory.md.

namespace lathe::search {

/// The checked contents of front.json, best.json and measured.json: every key that is documented
/// has its type and range, no other is there, and a network has a value for each objective. `file`
/// names the text in messages. Throw FormatError with the place.
nlohmann::json parse_front(std::string_view text, const std::filesystem::path& file);
nlohmann::json parse_best(std::string_view text, const std::filesystem::path& file);
nlohmann::json parse_measured(std::string_view text, const std::filesystem::path& file);

}  // namespace lathe::search
