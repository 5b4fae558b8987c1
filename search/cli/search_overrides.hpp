#pragma once

#include "search/cli/options.hpp"

#include <nlohmann/json_fwd.hpp>

#include <filesystem>

namespace lathe::cli {

/// A search config as its file or, without one, the flags say it, with the overrides and all handy
/// flags applied: each is sugar for a key (--latency-budget for constraints.latency). What the file
/// lacks is left to the config's reader. ConfigError where two flags contradict each other.
nlohmann::json search_config_json(const SearchOptions& options);

/// What file names in that config are relative to, and what messages call it.
std::filesystem::path search_config_name(const SearchOptions& options);

}  // namespace lathe::cli
