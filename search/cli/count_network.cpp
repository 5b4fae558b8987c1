#include "search/cli/count_network.hpp"

#include "search/cli/place.hpp"
#include "spaces/base/error.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <iostream>
#include <map>

namespace lathe::cli {

std::vector<NamedModel> load_models(const std::vector<std::string>& arguments) {
  std::vector<NamedModel> models;
  for (const std::string& argument : arguments) {
    const auto [name, file] = split_name(argument);
    auto table = std::make_shared<const latency::LatencyTable>(latency::LatencyTable::load(file));
    const std::string shown = name.empty() ? table->header().name : name;
    const bool taken = std::any_of(models.begin(), models.end(),
                                   [&](const NamedModel& other) { return other.name == shown; });
    if (taken) {
      throw ConfigError(Problem{"--table " + argument, "a name of its own for every table",
                                "a second \"" + shown + '"', "say --table NAME=" + file});
    }
    std::shared_ptr<const latency::LatencyModel> model = latency::make_table_model(table);
    models.push_back({shown, std::move(table), std::move(model)});
  }
  return models;
}

std::vector<spaces::NamedNetwork> read_networks(const std::vector<std::string>& arguments,
                                                const std::string& space, const General& general) {
  std::map<std::string, spaces::SearchSpace> loaded;
  std::vector<spaces::NamedNetwork> networks;
  for (const auto& [text, where, strictness] : spaces::expand_network_arguments(arguments)) {
    const std::string name = space.empty() ? spaces::space_of_network(text).value_or("") : space;
    if (name.empty()) {
      throw ConfigError(Problem{where, "a network that names its space", text,
                                "add --space SPACE (`lathe spaces` lists them)"});
    }
    auto found = loaded.find(name);
    if (found == loaded.end()) found = loaded.emplace(name, load_space(name, general)).first;
    networks.push_back(spaces::parse_network(found->second, text, where, strictness));
    if (networks.back().outside) {
      std::cerr << "lathe: note: " << where << " lies outside the choices of " << name << '\n';
    }
  }
  return networks;
}

std::vector<spaces::NamedNetwork> read_networks(const std::vector<std::string>& arguments,
                                                const spaces::SearchSpace& space) {
  std::vector<spaces::NamedNetwork> networks;
  for (const auto& [text, where, strictness] : spaces::expand_network_arguments(arguments)) {
    networks.push_back(spaces::parse_network(space, text, where, strictness));
  }
  return networks;
}

NetworkCount count_network(const spaces::SearchSpace& space, const spaces::Architecture& arch,
                           const Counting& counting, const std::vector<NamedModel>& models) {
  const spaces::NetworkSpec net = space.decode(arch);
  NetworkCount result;
  result.network = spaces::to_text(space, arch);
  result.space = space.name();
  result.resolution = net.input.width;
  result.count = spaces::count(net, counting.options);
  result.peak_activation_bytes = spaces::peak_activation_bytes(net, counting.memory);
  for (const NamedModel& model : models) {
    result.latencies.emplace_back(model.name, model.model->predict(net));
  }
  return result;
}

nlohmann::json to_json(const NetworkCount& network) {
  nlohmann::json latency = nlohmann::json::object();
  for (const auto& [name, value] : network.latencies) latency[name] = Millis(value).count();
  return {{"network", network.network},
          {"space", network.space},
          {"resolution", network.resolution},
          {"macs", network.count.macs},
          {"params", network.count.params},
          {"peak_activation_bytes", network.peak_activation_bytes},
          {"latency_ms", latency}};
}

}  // namespace lathe::cli
