#pragma once

#include "search/cli/console_sink.hpp"
#include "search/cli/options.hpp"
#include "spaces/base/run_dir.hpp"

#include <nlohmann/json_fwd.hpp>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace lathe::cli {

/// Applies one --set to a config. Keys that name files (evaluator.run, evaluator.data, tables.NAME,
/// data.path) are relative to the current folder, as everything typed; not to the config's.
void apply_typed(nlohmann::json& config, const std::string& assignment);
/// A config file with the --set overrides of the command line applied to it in order.
nlohmann::json load_config(const std::filesystem::path& file,
                           const std::vector<std::string>& overrides);
/// What a handy flag is sugar for: sets the value at that path, making the objects on the way.
void set_key(nlohmann::json& config, const std::vector<std::string>& path,
             const nlohmann::json& value);
/// A file named on the command line, so that it means the same in a config elsewhere.
std::string absolute_name(const std::filesystem::path& file);

/// Threads of this program: as asked for, else one per processor.
int threads_of(int asked);

/// Makes the run's folder, or opens it to go on; from then on events are recorded in it.
RunDir open_run(const Long& options, const General& general, const std::string& kind,
                const nlohmann::json& config, std::uint64_t seed, int threads, ConsoleSink& sink);
/// Runs `body`, which returns the names of the run's outputs, and closes the run as it ended:
/// complete, interrupted or failed.
void in_run(RunDir& run, const std::function<std::vector<std::string>()>& body);
/// All files that are in the folder now, but for the manifest and the log of events.
std::vector<std::string> files_in(const std::filesystem::path& folder);

/// A product that must not exist yet. ConfigError says to choose another name.
void refuse_existing(const std::filesystem::path& product, const std::string& remedy);

}  // namespace lathe::cli
