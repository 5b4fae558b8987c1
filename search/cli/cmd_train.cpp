#include "search/cli/commands.hpp"
#include "search/cli/console_sink.hpp"
#include "search/cli/place.hpp"
#include "search/cli/print.hpp"
#include "search/cli/run_folder.hpp"
#include "search/cli/tensorboard.hpp"
#include "search/cli/train_summary.hpp"
#include "search/torch_door.hpp"
#include "spaces/base/config_reader.hpp"
#include "supernet/training/train_config.hpp"

#include <nlohmann/json.hpp>

namespace lathe::cli {
namespace {

using nlohmann::json;

json resolved_config(const TrainOptions& options) {
  json config = load_config(options.config, options.overrides);
  if (options.seed) set_key(config, {"seed"}, *options.seed);
  if (options.threads > 0) set_key(config, {"threads"}, options.threads);
  return ConfigReader::resolve(config, options.config, Strictness::config,
                               [](ConfigReader& r) { supernet::TrainConfig().read(r); });
}

void print_result(const General& general, const std::filesystem::path& folder) {
  print_train_summary(general, folder);
  if (general.json) return;
  print("\nNext\nlathe search --supernet " + folder.string() +
        " --table TABLE --latency-budget middle --out RUN\n");
}

}  // namespace

void run(const General& general, const TrainOptions& options) {
  const json config = resolved_config(options);
  const int threads = config.at("threads").get<int>();
  const auto configs = configs_folder(general);
  const auto door = search::open_torch_door(threads);
  ConsoleSink sink(general.quiet);
  RunDir folder = open_run(options, general, "train", config,
                           config.at("seed").get<std::uint64_t>(), threads, sink);
  if (!folder.is_complete()) {
    folder.add_input("config", options.config);
    TensorboardSink curves(sink, folder.file("tensorboard"));
    in_run(folder, [&] { return door->train(config, configs, folder, curves); });
  }
  print_result(general, folder.folder());
}

}  // namespace lathe::cli
