#include "spaces/ofa_text.hpp"

#include "spaces/network_text.hpp"
#include "spaces/space_data.hpp"

#include <nlohmann/json.hpp>

#include <cmath>
#include <sstream>

namespace lathe::spaces {
namespace {

using nlohmann::json;

/// A stage whose depth, kernels and expansions are decisions.
struct DynamicStage {
  std::string name;
  std::vector<std::string> blocks;  ///< "stage1.1", ..., of the longest form
};

std::vector<DynamicStage> dynamic_stages(const SearchSpace& space) {
  std::vector<DynamicStage> stages;
  for (const Decision& decision : space.decisions()) {
    const std::size_t dot = decision.name.rfind('.');
    if (dot == std::string::npos) continue;
    const std::string owner = decision.name.substr(0, dot), what = decision.name.substr(dot + 1);
    if (what == "depth") stages.push_back({owner, {}});
    if (what == "kernel") stages.back().blocks.push_back(owner);
  }
  return stages;
}

std::string value(const SearchSpace& space, const Architecture& arch, const std::string& decision) {
  const auto d = static_cast<std::size_t>(space.decision(decision));
  return text(space.decisions()[d].choices[arch.genes[d]]);
}

int depth_of(const SearchSpace& space, const Architecture& arch, const DynamicStage& stage) {
  return std::stoi(value(space, arch, stage.name + ".depth"));
}

/// "k5e4" or "k3e2.5" into kernel and expansion.
void read_block(const std::string& word, const std::string& block, GivenNetwork& given) {
  const std::size_t e = word.find('e');
  const auto kernel =
      parse_number(std::string_view(word).substr(1, e == std::string::npos ? 0 : e - 1));
  const auto expand =
      e == std::string::npos ? std::nullopt : parse_number(std::string_view(word).substr(e + 1));
  if (word[0] != 'k' || !kernel || !expand) {
    given.refuse(block, "kernel and expansion, such as k3e4", "\"" + word + "\"");
  }
  given.values[block + ".kernel"] = number_text(*kernel);
  given.values[block + ".expand"] = number_text(*expand);
}

double number_of(const json& value, const std::string& part, const GivenNetwork& given) {
  if (!value.is_number()) given.refuse(part, "a number", value.dump());
  const auto number = value.get<double>();
  if (value.is_number_float() && number == std::floor(number)) {
    given.refuse(part, "an integer", value.dump());
  }
  return number;
}

const json& list_of(const json& network, const std::string& key, std::size_t size,
                    const GivenNetwork& given) {
  const std::string expected = "a list of " + std::to_string(size) + " numbers";
  if (!network.contains(key)) given.refuse("/" + key, expected, "nothing");
  const json& list = network[key];
  if (!list.is_array() || list.size() != size) {
    given.refuse("/" + key, expected,
                 list.is_array() ? "a list of " + std::to_string(list.size()) : list.dump());
  }
  return list;
}

/// r is one number, alone or in a list.
void read_resolution(const json& network, GivenNetwork& given) {
  if (!network.contains("r")) given.refuse("/r", "the resolution", "nothing");
  const json& r = network["r"];
  const json& one = r.is_array() && r.size() == 1 ? r[0] : r;
  given.pointers["resolution"] = "/r";
  given.values["resolution"] = number_text(number_of(one, "/r", given));
}

void check_keys(const json& network, const GivenNetwork& given) {
  for (const auto& [key, member] : network.items()) {
    if (key == "ks" || key == "e" || key == "d" || key == "r") continue;
    if (key != "wid") given.refuse("", "the keys ks, e, d, r", "\"" + key + "\"");
    if (!member.is_null()) {
      given.refuse("/wid", "null, as the width is a parameter of the space", member.dump());
    }
  }
}

}  // namespace

std::string ofa_text(const SearchSpace& space, const Architecture& arch) {
  std::string result = "r" + value(space, arch, "resolution");
  bool first = true;
  for (const DynamicStage& stage : dynamic_stages(space)) {
    if (!first) result += " /";
    first = false;
    const int depth = depth_of(space, arch, stage);
    for (int i = 0; i < depth; ++i) {
      const std::string& block = stage.blocks[static_cast<std::size_t>(i)];
      result += " k" + value(space, arch, block + ".kernel") + "e" +
                value(space, arch, block + ".expand");
    }
  }
  return result;
}

void read_ofa_text(const SearchSpace& space, std::string_view text, GivenNetwork& given) {
  const std::vector<DynamicStage> stages = dynamic_stages(space);
  std::istringstream words{std::string(text)};
  std::string word;
  words >> word;
  const auto resolution = parse_number(std::string_view(word).substr(1));
  if (word[0] != 'r' || !resolution) {
    given.refuse("", "the resolution first, such as r176", "\"" + word + "\"",
                 "a network of " + space.name() + " reads r176 k3e3 k3e4 / k5e3 ...");
  }
  given.values["resolution"] = number_text(*resolution);
  std::size_t stage = 0, block = 0;
  const auto close = [&] {
    if (block == 0) given.refuse(stages[stage].name, "at least one block", "none");
    given.values[stages[stage].name + ".depth"] = std::to_string(block);
  };
  const std::string count = std::to_string(stages.size()) + " stages with / between them";
  while (words >> word) {
    if (word == "/") {
      close();
      ++stage;
      block = 0;
      if (stage == stages.size()) given.refuse("", count, "more");
      continue;
    }
    const auto& blocks = stages[stage].blocks;
    if (block == blocks.size()) {
      given.refuse(stages[stage].name, "at most " + std::to_string(blocks.size()) + " blocks",
                   "more");
    }
    read_block(word, blocks[block++], given);
  }
  if (stage + 1 != stages.size()) given.refuse("", count, std::to_string(stage + 1));
  close();
}

void read_ofa(const SearchSpace& space, const json& network, GivenNetwork& given) {
  if (space.text_form() != "ofa") {
    given.refuse("", "a network of " + space.name(), "an OFA dictionary",
                 "only OFA-like spaces can be written so");
  }
  check_keys(network, given);
  const std::vector<DynamicStage> stages = dynamic_stages(space);
  std::size_t slots = 0;
  for (const DynamicStage& stage : stages) slots += stage.blocks.size();
  const json& kernels = list_of(network, "ks", slots, given);
  const json& expansions = list_of(network, "e", slots, given);
  const json& depths = list_of(network, "d", stages.size(), given);
  read_resolution(network, given);
  std::size_t slot = 0;
  for (std::size_t s = 0; s < stages.size(); ++s) {
    const double depth = number_of(depths[s], "/d/" + std::to_string(s), given);
    given.pointers[stages[s].name + ".depth"] = "/d/" + std::to_string(s);
    given.values[stages[s].name + ".depth"] = number_text(depth);
    for (std::size_t i = 0; i < stages[s].blocks.size(); ++i, ++slot) {
      const double kernel = number_of(kernels[slot], "/ks/" + std::to_string(slot), given);
      const double expand = number_of(expansions[slot], "/e/" + std::to_string(slot), given);
      if (double(i) >= depth) continue;  // what stands in slots of absent blocks means nothing
      given.pointers[stages[s].blocks[i] + ".kernel"] = "/ks/" + std::to_string(slot);
      given.pointers[stages[s].blocks[i] + ".expand"] = "/e/" + std::to_string(slot);
      given.values[stages[s].blocks[i] + ".kernel"] = number_text(kernel);
      given.values[stages[s].blocks[i] + ".expand"] = number_text(expand);
    }
  }
}

json to_ofa(const SearchSpace& space, const Architecture& arch) {
  if (space.text_form() != "ofa") {
    throw ConfigError(
        Problem{"space " + space.name(), "an OFA-like space", "one with other decisions", ""});
  }
  const Architecture canonical = space.canonical(arch);
  const auto number = [&](const std::string& decision) {
    const auto d = static_cast<std::size_t>(space.decision(decision));
    return to_json(space.decisions()[d].choices[canonical.genes[d]]);
  };
  json kernels = json::array(), expansions = json::array(), depths = json::array();
  for (const DynamicStage& stage : dynamic_stages(space)) {
    depths.push_back(number(stage.name + ".depth"));
    for (const std::string& block : stage.blocks) {  // genes of absent blocks are 0
      kernels.push_back(number(block + ".kernel"));
      expansions.push_back(number(block + ".expand"));
    }
  }
  return {{"ks", kernels},
          {"e", expansions},
          {"d", depths},
          {"r", json::array({number("resolution")})}};
}

}  // namespace lathe::spaces
