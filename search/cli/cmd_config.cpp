#include "latency/device_config.hpp"
#include "latency/plan.hpp"
#include "search/cli/commands.hpp"
#include "search/cli/place.hpp"
#include "search/cli/print.hpp"
#include "search/cli/run_folder.hpp"
#include "search/search_config.hpp"
#include "spaces/base/config_reader.hpp"
#include "spaces/base/error.hpp"
#include "spaces/base/json_io.hpp"
#include "spaces/space_file.hpp"
#include "supernet/training/train_config.hpp"

#include <nlohmann/json.hpp>

#include <functional>

namespace lathe::cli {
namespace {

using nlohmann::json;
using std::filesystem::path;

/// One kind of file that people write; its header says "lathe.NAME".
struct Kind {
  std::string name;
  std::function<std::string()> explain;
  /// Throws where the file is wrong, or names a space that is.
  std::function<void(const json&, const path&, const General&)> check;
};

std::string explain_train() {
  return ConfigReader::describe([](ConfigReader& reader) { supernet::TrainConfig().read(reader); });
}
std::string explain_measure() {
  return ConfigReader::describe(
      [](ConfigReader& reader) { latency::MeasureConfig().read(reader); });
}

std::string explain_device() {
  return ConfigReader::describe([](ConfigReader& reader) { latency::DeviceConfig().read(reader); });
}

void check_train(const json& value, const path& file, const General& general) {
  load_space(supernet::read_train_config(value, file).space, general);
}
void check_search(const json& value, const path& file, const General& general) {
  load_space(search::read_search_config(value, file).space, general);
}
void check_measure(const json& value, const path& file, const General&) {
  latency::read_measure_config(value, file);
}
void check_device(const json& value, const path& file, const General&) {
  latency::read_device_config(value, file);
}
void check_space(const json&, const path& file, const General& general) {
  const spaces::SearchSpace space =
      spaces::SearchSpace::load({absolute_name(file), {}}, configs_folder(general));
  space.decode(space.largest());
  space.decode(space.smallest());
}

std::vector<Kind> kinds() {
  return {{"train", explain_train, check_train},
          {"search", search::describe_search_config, check_search},
          {"measure", explain_measure, check_measure},
          {"device", explain_device, check_device},
          {"space", spaces::describe_space_file, check_space}};
}

Kind find_kind(const std::string& name, const std::string& where) {
  std::vector<std::string> names;
  std::string list;
  for (const Kind& kind : kinds()) {
    if (kind.name == name) return kind;
    names.push_back(kind.name);
    list += (list.empty() ? "" : ", ") + kind.name;
  }
  const std::string near = nearest_word(name, names);
  throw ConfigError(Problem{where, "one of " + list, '"' + name + '"',
                            near.empty() ? "" : "did you mean " + near + "?"});
}

}  // namespace

void run(const General& general, const ConfigExplainOptions& options) {
  const Kind kind = find_kind(options.kind, "lathe config explain");
  if (general.json) {
    print_json({{"kind", kind.name}, {"keys", kind.explain()}});
  } else {
    print(kind.explain());
  }
}

void run(const General& general, const ConfigCheckOptions& options) {
  const json value = load_json(options.file, Comments::allowed);
  const std::string format = value.is_object() ? value.value("format", json()).dump() : "null";
  const std::string prefix = "\"lathe.";
  if (format.rfind(prefix, 0) != 0) {
    throw ConfigError(Problem{options.file + ": /format",
                              "the format of a config, such as \"lathe.train\"", format, ""});
  }
  const std::string name = format.substr(prefix.size(), format.size() - prefix.size() - 1);
  const Kind kind = find_kind(name, options.file + ": /format: lathe.");
  kind.check(value, options.file, general);
  if (general.json) {
    print_json({{"file", options.file}, {"kind", kind.name}, {"valid", true}});
  } else {
    print(options.file + ": a valid " + kind.name + " config\n");
  }
}

}  // namespace lathe::cli
