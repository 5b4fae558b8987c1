#include "search/cli/commands.hpp"
#include "search/cli/print.hpp"
#include "spaces/base/run_dir.hpp"

#include <nlohmann/json.hpp>

#include <sstream>

namespace lathe::cli {

void run(const General&, const Help& help) { print(help.text); }

void run(const General& general, const VersionOptions&) {
  const Build& build = build_info();
  nlohmann::json libraries = nlohmann::json::object();
  std::vector<std::pair<std::string, std::string>> rows = {
      {"lathe", build.version},
      {"revision", build.revision + (build.dirty ? " with changes" : "")},
      {"compiler", build.compiler},
      {"build type", build.build_type}};
  std::istringstream list(LATHE_LIBRARIES);  // "name version;name version", from CMake
  for (std::string entry; std::getline(list, entry, ';');) {
    const std::size_t space = entry.find(' ');
    libraries[entry.substr(0, space)] = entry.substr(space + 1);
    rows.emplace_back(entry.substr(0, space), entry.substr(space + 1));
  }
  if (general.json) {
    nlohmann::json value = to_json(build);
    value["libraries"] = libraries;
    print_json(value);
    return;
  }
  print(facts_text(rows));
}

}  // namespace lathe::cli
