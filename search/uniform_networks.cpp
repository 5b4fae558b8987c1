#include "search/uniform_networks.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace lathe::search {
namespace {

using spaces::Architecture;

/// Decisions whose names end alike, and for every shared choice the gene of each.
struct Group {
  std::vector<std::size_t> decisions;
  std::vector<std::vector<std::uint8_t>> choices;  ///< shared choice x decision
};

std::vector<std::string> texts_of(const spaces::Decision& decision) {
  std::vector<std::string> texts;
  for (const spaces::Choice& choice : decision.choices) texts.push_back(text(choice));
  return texts;
}

/// Genes of every value that all the decisions offer.
std::vector<std::vector<std::uint8_t>> shared_by_value(
    const std::vector<std::vector<std::string>>& offered) {
  std::vector<std::vector<std::uint8_t>> shared;
  for (const std::string& value : offered.front()) {
    std::vector<std::uint8_t> genes;
    for (const std::vector<std::string>& texts : offered) {
      const auto place = std::find(texts.begin(), texts.end(), value);
      if (place != texts.end()) genes.push_back(static_cast<std::uint8_t>(place - texts.begin()));
    }
    if (genes.size() == offered.size()) shared.push_back(std::move(genes));
  }
  return shared;
}

std::vector<std::vector<std::uint8_t>> shared_by_place(
    const std::vector<std::vector<std::string>>& offered) {
  std::size_t least = offered.front().size();
  for (const auto& texts : offered) least = std::min(least, texts.size());
  std::vector<std::vector<std::uint8_t>> shared;
  for (std::size_t i = 0; i < least; ++i) {
    shared.emplace_back(offered.size(), static_cast<std::uint8_t>(i));
  }
  return shared;
}

std::vector<Group> groups_of(const spaces::SearchSpace& space) {
  std::vector<Group> groups;
  std::map<std::string, std::size_t> by_ending;
  for (std::size_t d = 0; d < space.decisions().size(); ++d) {
    const std::string& name = space.decisions()[d].name;
    const std::string ending = name.substr(name.rfind('.') + 1);
    const auto [place, is_new] = by_ending.emplace(ending, groups.size());
    if (is_new) groups.emplace_back();
    groups[place->second].decisions.push_back(d);
  }
  for (Group& group : groups) {
    std::vector<std::vector<std::string>> offered;
    for (std::size_t d : group.decisions) offered.push_back(texts_of(space.decisions()[d]));
    group.choices = shared_by_value(offered);
    if (group.choices.empty()) group.choices = shared_by_place(offered);
  }
  return groups;
}

}  // namespace

std::optional<std::vector<Architecture>> uniform_networks(const spaces::SearchSpace& space) {
  const std::vector<Group> groups = groups_of(space);
  std::size_t count = 1;
  for (const Group& group : groups)
    count = std::min(count * group.choices.size(), kMostUniform + 1);
  if (count > kMostUniform) return std::nullopt;
  std::vector<Architecture> networks;
  std::set<Architecture> seen;
  for (std::size_t i = 0; i < count; ++i) {
    Architecture arch;
    arch.genes.assign(space.decisions().size(), 0);
    std::size_t rest = i;
    for (const Group& group : groups) {
      const std::vector<std::uint8_t>& genes = group.choices[rest % group.choices.size()];
      rest /= group.choices.size();
      for (std::size_t d = 0; d < genes.size(); ++d) arch.genes[group.decisions[d]] = genes[d];
    }
    arch = space.canonical(std::move(arch));
    if (seen.insert(arch).second) networks.push_back(std::move(arch));
  }
  return networks;
}

}  // namespace lathe::search
