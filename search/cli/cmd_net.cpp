#include "search/cli/commands.hpp"
#include "search/cli/count_network.hpp"
#include "search/cli/print.hpp"
#include "spaces/base/error.hpp"

#include <nlohmann/json.hpp>

#include <array>

namespace lathe::cli {
namespace {

using nlohmann::json;

template <typename Value, std::size_t N>
Value word_of(const std::string& flag, const std::string& word,
              const std::array<std::pair<const char*, Value>, N>& words) {
  std::vector<std::string> known;
  std::string list;
  for (const auto& [name, value] : words) {
    if (word == name) return value;
    known.emplace_back(name);
    list += (list.empty() ? "" : ", ") + known.back();
  }
  const std::string near = nearest_word(word, known);
  throw ConfigError(Problem{flag, "one of " + list, '"' + word + '"',
                            near.empty() ? "" : "did you mean " + near + "?"});
}

Counting counting_of(const NetOptions& options) {
  using spaces::BnParams;
  using spaces::MemoryConvention;
  Counting counting;
  counting.options.count_pooling = options.count_pooling;
  if (!options.bn_params.empty()) {
    counting.options.bn_params = word_of(
        "--bn-params", options.bn_params,
        std::array<std::pair<const char*, BnParams>, 3>{
            {{"none", BnParams::none}, {"affine", BnParams::affine}, {"all", BnParams::all}}});
  }
  if (!options.memory.empty()) {
    counting.memory = word_of("--memory", options.memory,
                              std::array<std::pair<const char*, MemoryConvention>, 3>{
                                  {{"fp32", MemoryConvention::fp32},
                                   {"int8", MemoryConvention::int8},
                                   {"int8,in-place", MemoryConvention::int8_in_place}}});
  }
  return counting;
}

enum class Form { lathe, text, ofa };

Form form_of(const std::string& word) {
  if (word == "ops" || word == "mnasnet") {
    throw ConfigError(Problem{"--to", "a form that this version writes: lathe, text or ofa",
                              '"' + word + '"', ""});
  }
  return word_of("--to", word,
                 std::array<std::pair<const char*, Form>, 3>{
                     {{"lathe", Form::lathe}, {"text", Form::text}, {"ofa", Form::ofa}}});
}

void convert(const std::vector<spaces::NamedNetwork>& networks, Form form, bool as_json) {
  for (const auto& network : networks) {
    if (form == Form::text) {
      const std::string text = spaces::to_text(network.space, network.arch);
      if (as_json) {
        print_json({{"network", text}});
      } else {
        print(text + "\n");
      }
    } else {
      print_json(form == Form::ofa ? spaces::to_ofa(network.space, network.arch)
                                   : spaces::to_json(network.space, network.arch));
    }
  }
}

json shape_json(const spaces::Shape& shape) { return {shape.height, shape.width, shape.channels}; }

std::string shape_text(const spaces::Shape& shape) {
  return std::to_string(shape.height) + " x " + std::to_string(shape.width) + " x " +
         std::to_string(shape.channels);
}

json blocks_json(const spaces::NetworkSpec& net, const Counting& counting) {
  json blocks = json::array();
  for (const spaces::Placed& placed : net.blocks) {
    const spaces::Count count = spaces::count(placed.block, counting.options);
    blocks.push_back({{"key", spaces::key(placed.block)},
                      {"macs", count.macs},
                      {"params", count.params},
                      {"in", shape_json(placed.block.in.front())},
                      {"out", shape_json(spaces::output_shape(placed.block))}});
  }
  return blocks;
}

void print_blocks(const spaces::NetworkSpec& net, const Counting& counting) {
  std::vector<std::vector<std::string>> rows;
  for (const spaces::Placed& placed : net.blocks) {
    const spaces::Count count = spaces::count(placed.block, counting.options);
    rows.push_back({std::to_string(rows.size() + 1), grouped(count.macs), grouped(count.params),
                    shape_text(spaces::output_shape(placed.block)), spaces::key(placed.block)});
  }
  print(table_text({{"#"}, {"MACs"}, {"parameters"}, {"output"}, {"block", Align::left}}, rows));
}

std::string latency_text(Micros latency) { return text(latency); }

void print_one(const NetworkCount& network) {
  std::vector<std::pair<std::string, std::string>> rows = {
      {"network", network.network},
      {"space", network.space},
      {"resolution", std::to_string(network.resolution) + " px"},
      {"MACs", grouped(network.count.macs)},
      {"parameters", grouped(network.count.params)},
      {"peak memory", grouped(network.peak_activation_bytes) + " bytes of activations"}};
  for (const auto& [name, latency] : network.latencies) {
    rows.emplace_back("latency", latency_text(latency) + " by table " + name);
  }
  print(facts_text(rows));
}

void print_many(const std::vector<NetworkCount>& networks) {
  std::vector<Column> columns = {{"MACs"}, {"parameters"}, {"peak bytes"}};
  for (const auto& [name, latency] : networks.front().latencies) columns.push_back({name});
  columns.push_back({"network", Align::left});
  std::vector<std::vector<std::string>> rows;
  for (const NetworkCount& network : networks) {
    rows.push_back({grouped(network.count.macs), grouped(network.count.params),
                    grouped(network.peak_activation_bytes)});
    for (const auto& [name, latency] : network.latencies) {
      rows.back().push_back(latency_text(latency));
    }
    rows.back().push_back(network.network);
  }
  print(table_text(columns, rows));
}

}  // namespace

void run(const General& general, const NetOptions& options) {
  const Counting counting = counting_of(options);
  const auto networks = read_networks(options.nets, options.space, general);
  if (!options.to.empty()) {
    convert(networks, form_of(options.to), general.json);
    return;
  }
  const auto models = load_models(options.tables);
  std::vector<NetworkCount> counts;
  for (const auto& network : networks) {
    counts.push_back(count_network(network.space, network.arch, counting, models));
  }
  if (!general.json && !options.layers && counts.size() > 1) {
    print_many(counts);
    return;
  }
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const spaces::NetworkSpec net = networks[i].space.decode(networks[i].arch);
    if (general.json) {
      json line = to_json(counts[i]);
      if (options.layers) line["blocks"] = blocks_json(net, counting);
      print_json(line);
    } else {
      if (i > 0) print("\n");
      print_one(counts[i]);
      if (options.layers) print_blocks(net, counting);
    }
  }
}

}  // namespace lathe::cli
