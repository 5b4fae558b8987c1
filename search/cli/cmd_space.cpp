#include "search/cli/commands.hpp"
#include "search/cli/count_network.hpp"
#include "search/cli/place.hpp"
#include "search/cli/print.hpp"
#include "spaces/network_text.hpp"
#include "spaces/search_space.hpp"

#include <nlohmann/json.hpp>

namespace lathe::cli {
namespace {

using nlohmann::json;

json choices_json(const spaces::Decision& decision) {
  json choices = json::array();
  for (const spaces::Choice& choice : decision.choices) choices.push_back(to_json(choice));
  return choices;
}

json decisions_json(const spaces::SearchSpace& space) {
  json decisions = json::array();
  for (const spaces::Decision& decision : space.decisions()) {
    json entry = {{"name", decision.name}, {"choices", choices_json(decision)}};
    if (decision.active_if) {
      const auto& on = space.decisions()[static_cast<std::size_t>(decision.active_if->decision)];
      json values = json::array();
      const json all = choices_json(on);
      for (const int index : decision.active_if->choices) {
        values.push_back(all[static_cast<std::size_t>(index)]);
      }
      entry["active_if"] = {{"decision", on.name}, {"is", values}};
    }
    decisions.push_back(entry);
  }
  return decisions;
}

/// Decisions with one choice list and one last name ("kernel"), in one row: 20 lines become one.
std::vector<std::vector<std::string>> decision_rows(const spaces::SearchSpace& space) {
  struct Group {
    std::string kind, choices, first, last;
    int members = 0;
  };
  std::vector<Group> groups;
  for (const spaces::Decision& decision : space.decisions()) {
    std::string choices;
    for (const spaces::Choice& choice : decision.choices) {
      choices += (choices.empty() ? "" : " ") + text(choice);
    }
    const std::string kind = decision.name.substr(decision.name.rfind('.') + 1);
    auto group = groups.begin();
    while (group != groups.end() && (group->kind != kind || group->choices != choices)) ++group;
    if (group == groups.end()) {
      group = groups.insert(groups.end(), Group{kind, choices, decision.name, "", 0});
    }
    group->last = decision.name;
    ++group->members;
  }
  std::vector<std::vector<std::string>> rows;
  for (const Group& group : groups) {
    rows.push_back({group.members == 1 ? group.first : group.first + " ... " + group.last,
                    std::to_string(group.members), group.choices});
  }
  return rows;
}

std::vector<std::vector<std::string>> position_rows(const spaces::SearchSpace& space) {
  std::vector<std::vector<std::string>> rows;
  const spaces::Architecture largest = space.largest();
  for (int position = 0; position < space.positions(); ++position) {
    const auto placed = space.placed_at(largest, position);
    if (placed) rows.push_back({space.position_name(position), spaces::key(placed->block)});
  }
  return rows;
}

std::vector<std::string> count_row(const std::string& name, const NetworkCount& count) {
  return {name, grouped(count.count.macs), grouped(count.count.params),
          grouped(count.peak_activation_bytes), count.network};
}

}  // namespace

void run(const General& general, const SpacesOptions&) {
  const auto configs = configs_folder(general);
  std::vector<std::vector<std::string>> rows;
  for (const std::string& name : spaces::list_spaces(configs)) {
    const auto space = spaces::SearchSpace::load(spaces::parse_space_name(name), configs);
    if (general.json) {
      print_json({{"space", name},
                  {"decisions", space.decisions().size()},
                  {"classes", space.classes()},
                  {"codes", space.codes()}});
    }
    rows.push_back({name, std::to_string(space.decisions().size()), std::to_string(space.classes()),
                    space.codes()});
  }
  if (general.json) return;
  print(table_text({{"space", Align::left}, {"decisions"}, {"classes"}, {"codes"}}, rows));
}

void run(const General& general, const SpaceOptions& options) {
  const spaces::SearchSpace space = load_space(options.space, general);
  const NetworkCount smallest = count_network(space, space.smallest(), {}, {});
  const NetworkCount largest = count_network(space, space.largest(), {}, {});
  const auto networks = space.networks();
  if (general.json) {
    print_json({{"space", space.name()},
                {"codes", space.codes()},
                {"networks", networks ? json(*networks) : json(nullptr)},
                {"decisions", decisions_json(space)},
                {"smallest", to_json(smallest)},
                {"largest", to_json(largest)}});
    return;
  }
  print(facts_text({{"space", space.name()},
                    {"classes", std::to_string(space.classes())},
                    {"codes", space.codes()},
                    {"networks", networks.value_or("not known exactly")}}));
  print("\n" + table_text({{"decisions", Align::left}, {"number"}, {"choices", Align::left}},
                          decision_rows(space)));
  print("\n" + table_text({{"position", Align::left}, {"block of the largest", Align::left}},
                          position_rows(space)));
  print("\n" +
        table_text(
            {{"network", Align::left}, {"MACs"}, {"parameters"}, {"peak bytes"}, {"", Align::left}},
            {count_row("smallest", smallest), count_row("largest", largest)}));
}

}  // namespace lathe::cli
