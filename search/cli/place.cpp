#include "search/cli/place.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/program_folder.hpp"

namespace lathe::cli {
namespace fs = std::filesystem;

fs::path configs_folder(const General& general) {
  if (!general.configs.empty()) {
    if (fs::is_directory(general.configs / "spaces")) return general.configs;
    throw ConfigError(
        Problem{"--configs", "a folder with spaces/ in it", general.configs.string(), ""});
  }
  const fs::path program = program_folder();
  for (fs::path at = program; at != at.root_path(); at = at.parent_path()) {
    for (const fs::path& folder : {at / "configs", at / "share" / "lathe" / "configs"}) {
      if (fs::is_directory(folder / "spaces")) return folder;
    }
  }
  throw ConfigError(Problem{"lathe", "configs/spaces in a folder above the program",
                            "none above " + program.string(), "name it with --configs DIR"});
}

spaces::SearchSpace load_space(const std::string& name, const General& general) {
  const spaces::SpaceName parsed = spaces::parse_space_name(name);
  return spaces::SearchSpace::load(parsed, configs_folder(general));
}

std::pair<std::string, std::string> split_name(const std::string& argument) {
  const std::size_t equals = argument.find('=');
  if (equals == std::string::npos || argument.find('/') < equals) return {"", argument};
  return {argument.substr(0, equals), argument.substr(equals + 1)};
}

}  // namespace lathe::cli
