#include "supernet/training/phase.hpp"

#include "spaces/base/error.hpp"
#include "spaces/cost.hpp"

#include <algorithm>
#include <set>

namespace lathe::supernet {
namespace {

using spaces::Architecture;
using spaces::SearchSpace;

std::string kind_of(const std::string& decision) {
  const std::size_t dot = decision.rfind('.');
  return dot == std::string::npos ? decision : decision.substr(dot + 1);
}

bool same(const spaces::Choice& a, const spaces::Choice& b) {
  return a.word == b.word && (!a.word.empty() || a.number == b.number);
}

std::int64_t macs(const SearchSpace& space, const Architecture& arch) {
  return spaces::count(space.decode(space.canonical(arch))).macs;
}

/// Throws if a kind or one of its values is nowhere in the space.
void check_known(const SearchSpace& space, const PhaseConfig& phase, const std::string& where) {
  std::vector<std::string> kinds;
  for (const auto& decision : space.decisions())
    if (std::find(kinds.begin(), kinds.end(), kind_of(decision.name)) == kinds.end())
      kinds.push_back(kind_of(decision.name));
  std::string list;
  for (const std::string& kind : kinds) list += (list.empty() ? "" : ", ") + kind;
  for (const auto& [kind, values] : phase.open) {
    const std::string at = where + "/open/" + kind;
    if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) {
      const std::string near = nearest_word(kind, kinds);
      throw ConfigError(Problem{at, "a kind of decision of " + space.name() + " (" + list + ")",
                                kind, near.empty() ? "" : "did you mean " + near + "?"});
    }
    for (const spaces::Choice& value : values) {
      const bool known = std::any_of(
          space.decisions().begin(), space.decisions().end(), [&, k = kind](const auto& decision) {
            return kind_of(decision.name) == k &&
                   std::any_of(decision.choices.begin(), decision.choices.end(),
                               [&](const auto& choice) { return same(choice, value); });
          });
      if (!known)
        throw ConfigError(Problem{at, "values that " + space.name() + " has", text(value), ""});
    }
  }
}

std::vector<int> open_of(const spaces::Decision& decision, int largest, const PhaseConfig& phase,
                         const std::string& where) {
  const auto values = phase.open.find(kind_of(decision.name));
  if (values == phase.open.end()) return {largest};
  std::vector<int> open;
  for (int c = 0; c < static_cast<int>(decision.choices.size()); ++c) {
    const spaces::Choice& choice = decision.choices[std::size_t(c)];
    if (values->second.empty() ||
        std::any_of(values->second.begin(), values->second.end(),
                    [&](const auto& value) { return same(value, choice); }))
      open.push_back(c);
  }
  if (std::find(open.begin(), open.end(), largest) == open.end())
    throw ConfigError(Problem{where + "/open/" + values->first,
                              "the largest network's value for " + decision.name + ", " +
                                  text(decision.choices[std::size_t(largest)]) + ", among them",
                              "a list without it",
                              "the largest network stays open in every phase"});
  return open;
}

Architecture smallest_open(const SearchSpace& space, const OpenChoices& open) {
  const Architecture largest = space.largest();
  Architecture smallest = largest;
  for (std::size_t d = 0; d < open.size(); ++d) {
    std::int64_t fewest = -1;
    for (const int choice : open[d]) {
      Architecture arch = largest;
      arch.genes[d] = static_cast<std::uint8_t>(choice);
      const std::int64_t count = macs(space, arch);
      if (fewest >= 0 && count >= fewest) continue;
      fewest = count;
      smallest.genes[d] = static_cast<std::uint8_t>(choice);
    }
  }
  return space.canonical(smallest);
}

}  // namespace

std::vector<Phase> plan_phases(const TrainConfig& config, const SearchSpace& space) {
  const Architecture largest = space.largest();
  std::vector<Phase> phases;
  for (std::size_t i = 0; i < config.phases.size(); ++i) {
    const std::string where = config.file.string() + ": /phases/" + std::to_string(i);
    Phase phase{config.phases[i], {}, {}};
    check_known(space, phase.config, where);
    for (std::size_t d = 0; d < space.decisions().size(); ++d)
      phase.open.push_back(open_of(space.decisions()[d], largest.genes[d], phase.config, where));
    phase.smallest = smallest_open(space, phase.open);
    phases.push_back(std::move(phase));
  }
  return phases;
}

OpenChoices unite(const OpenChoices& a, const OpenChoices& b) {
  LATHE_CHECK(a.size() == b.size(), "choices of two spaces");
  OpenChoices both(a.size());
  for (std::size_t d = 0; d < a.size(); ++d)
    std::set_union(a[d].begin(), a[d].end(), b[d].begin(), b[d].end(), std::back_inserter(both[d]));
  return both;
}

int resolution_decision(const SearchSpace& space) {
  for (std::size_t d = 0; d < space.decisions().size(); ++d)
    if (space.decisions()[d].name == "resolution") return static_cast<int>(d);
  return -1;
}

Architecture sample_open(const SearchSpace& space, const OpenChoices& open, int resolution_choice,
                         Rng rng) {
  const int resolution = resolution_decision(space);
  Architecture arch;
  for (std::size_t d = 0; d < open.size(); ++d) {
    const int drawn = open[d][std::size_t(rng.below(static_cast<int>(open[d].size())))];
    const bool fixed = static_cast<int>(d) == resolution;
    arch.genes.push_back(static_cast<std::uint8_t>(fixed ? resolution_choice : drawn));
  }
  return space.canonical(arch);
}

Architecture at_resolution(const SearchSpace& space, Architecture arch, int resolution_choice) {
  const int resolution = resolution_decision(space);
  if (resolution >= 0)
    arch.genes[std::size_t(resolution)] = static_cast<std::uint8_t>(resolution_choice);
  return arch;
}

std::vector<Architecture> step_networks(const SearchSpace& space, const Phase& phase,
                                        int resolution_choice, const Rng& rng) {
  std::vector<Architecture> networks;
  for (int sub = 0; sub < phase.config.subnets_per_step; ++sub)
    networks.push_back(sample_open(space, phase.open, resolution_choice,
                                   rng.stream("subnet", std::uint64_t(sub))));
  if (phase.config.sandwich) {
    networks.front() = at_resolution(space, space.largest(), resolution_choice);
    networks.back() = at_resolution(space, phase.smallest, resolution_choice);
  }
  return networks;
}

double step_cost(const SearchSpace& space, const Phase& phase) {
  const auto largest = double(macs(space, space.largest()));
  const auto smallest = double(macs(space, phase.smallest));
  // The sandwich's largest and smallest are together as much as two drawn ones.
  const double trained = 3.0 * phase.config.subnets_per_step * (largest + smallest) / 2;
  return trained + (phase.config.distillation > 0 ? largest : 0.0);
}

}  // namespace lathe::supernet
