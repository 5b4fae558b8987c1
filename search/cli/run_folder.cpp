#include "search/cli/run_folder.hpp"

#include "search/cli/print.hpp"
#include "spaces/base/config_reader.hpp"
#include "spaces/base/error.hpp"
#include "spaces/base/json_io.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <thread>

namespace lathe::cli {
namespace fs = std::filesystem;
using nlohmann::json;

void apply_typed(json& config, const std::string& assignment) {
  const std::size_t equals = assignment.find('=');
  const std::string key = assignment.substr(0, equals);
  const bool is_file = key == "evaluator.run" || key == "evaluator.data" || key == "data.path" ||
                       key.rfind("tables.", 0) == 0;
  if (!is_file || equals == std::string::npos || equals + 1 == assignment.size()) {
    apply_override(config, assignment);
    return;
  }
  const std::string file = absolute_name(assignment.substr(equals + 1));
  apply_override(config, key + "=" + json(file).dump());
}

json load_config(const fs::path& file, const std::vector<std::string>& overrides) {
  json config = load_json(file, Comments::allowed);
  if (!config.is_object()) {
    throw ConfigError(
        Problem{file.string(), "an object", std::string("a ") + config.type_name(), ""});
  }
  for (const std::string& assignment : overrides) apply_typed(config, assignment);
  return config;
}

void set_key(json& config, const std::vector<std::string>& path, const json& value) {
  json* place = &config;
  for (const std::string& key : path) {
    // Anything but an object is left for the config's reader to refuse with its words.
    if (!place->is_object() && !place->is_null()) return;
    place = &(*place)[key];
  }
  *place = value;
}

std::string absolute_name(const fs::path& file) {
  return fs::absolute(file).lexically_normal().string();
}

int threads_of(int asked) {
  if (asked > 0) return asked;
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

RunDir open_run(const Long& options, const General& general, const std::string& kind,
                const json& config, std::uint64_t seed, int threads, ConsoleSink& sink) {
  const RunDir::Start start{kind, general.command_line, seed, threads};
  RunDir run = options.resume ? RunDir::resume(options.out, start, config)
                              : RunDir::create(options.out, start, config);
  sink.record_to(run.file("events.jsonl"));
  const Build& build = build_info();
  const json block = {
      {"message", "lathe " + build.version + " (" + build.revision.substr(0, 12) +
                      (build.dirty ? " with changes" : "") + ", " + build.build_type + "), seed " +
                      std::to_string(seed) + ", " + counted(threads, "thread") + ", into " +
                      options.out.string()},
      {"build", to_json(build)},
      {"command_line", general.command_line},
      {"config", config},
      {"seed", seed},
      {"threads", threads},
      {"resumed", options.resume}};
  sink.event({Level::info, "run.start", block});
  return run;
}

std::vector<std::string> files_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string name = fs::relative(entry.path(), folder).string();
    const bool own =
        name == "manifest.json" || name == "events.jsonl" || name == "lock" || name[0] == '.';
    if (entry.is_regular_file() && !own) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

void in_run(RunDir& run, const std::function<std::vector<std::string>()>& body) {
  try {
    run.close("complete", body());
  } catch (const Interrupted&) {
    run.close("interrupted", {});
    throw;
  } catch (const CheckFailed&) {  // what was written is there, and worth a look
    run.close("failed", files_in(run.folder()));
    throw;
  }
}

void refuse_existing(const fs::path& product, const std::string& remedy) {
  if (!fs::exists(fs::symlink_status(product))) return;
  throw ConfigError(Problem{"--out " + product.string(), "a name that does not exist yet",
                            fs::is_directory(product) ? "a folder" : "a file", remedy});
}

}  // namespace lathe::cli
