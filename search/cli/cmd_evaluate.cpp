#include "search/cli/commands.hpp"
#include "search/cli/console_sink.hpp"
#include "search/cli/count_network.hpp"
#include "search/cli/place.hpp"
#include "search/cli/print.hpp"
#include "search/cli/run_folder.hpp"
#include "search/torch_door.hpp"
#include "spaces/base/error.hpp"

#include <nlohmann/json.hpp>

namespace lathe::cli {
namespace {

search::Split split_of(const std::string& word) {
  if (word == "val") return search::Split::val;
  if (word == "test") return search::Split::test;
  throw ConfigError(Problem{"--split", "val or test", '"' + word + '"', ""});
}

}  // namespace

void run(const General& general, const EvaluateOptions& options) {
  const search::Split split = split_of(options.split);
  const auto models = load_models(options.tables);
  const auto door = search::open_torch_door(1);  // each network on one torch thread
  const auto supernet = door->open(options.run, configs_folder(general));
  const auto networks = read_networks(options.nets, supernet->space());
  std::vector<spaces::NetworkSpec> nets;
  std::vector<NetworkCount> counts;
  for (const auto& network : networks) {
    nets.push_back(network.space.decode(network.arch));
    counts.push_back(count_network(network.space, network.arch, {}, models));
  }
  ConsoleSink sink(general.quiet);
  const auto results = supernet->accuracies(nets, split, threads_of(options.threads), sink);
  std::vector<Column> columns = {{"accuracy"}, {"MACs"}, {"parameters"}};
  for (const NamedModel& model : models) columns.push_back({model.name});
  columns.push_back({"network", Align::left});
  std::vector<std::vector<std::string>> rows;
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (general.json) {
      nlohmann::json line = to_json(counts[i]);
      line["accuracy"] = results[i].accuracy;
      line["split"] = options.split;
      line["images"] = results[i].images;
      line["bn_images"] = results[i].bn_images;
      print_json(line);
      continue;
    }
    rows.push_back({percent(results[i].accuracy), grouped(counts[i].count.macs),
                    grouped(counts[i].count.params)});
    for (const auto& [name, latency] : counts[i].latencies) rows.back().push_back(text(latency));
    rows.back().push_back(counts[i].network);
  }
  if (general.json) return;
  print(table_text(columns, rows));
  print("on " + counted(results.front().images, "image") + " of " + options.split +
        ", batch norm recalibrated on " + grouped(results.front().bn_images) + "\n");
}

}  // namespace lathe::cli
