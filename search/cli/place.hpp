#pragma once

#include "search/cli/options.hpp"
#include "spaces/search_space.hpp"

#include <filesystem>
#include <string>
#include <utility>

namespace lathe::cli {

/// The folder that holds spaces/: --configs if given, else found upwards from the program. Throws
/// ConfigError naming where it looked.
std::filesystem::path configs_folder(const General& general);

/// The space of that name with the settings typed after its colon.
spaces::SearchSpace load_space(const std::string& name, const General& general);

/// "NAME=VALUE" in two, or an empty name. A '=' after a '/' belongs to the value (a path).
std::pair<std::string, std::string> split_name(const std::string& argument);

}  // namespace lathe::cli
