#include "latency/plan.hpp"

#include "latency/statistics.hpp"
#include "spaces/base/json_io.hpp"
#include "spaces/cost.hpp"
#include "spaces/network_text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>
#include <utility>

namespace lathe::latency {
namespace {

using spaces::Architecture;
using spaces::Placed;
using spaces::SearchSpace;

constexpr std::size_t kMostCombinations = std::size_t(1) << 24;
// Networks drawn for each that is taken, so that ranks are even although networks repeat.
constexpr int kDrawsPerNetwork = 16;

/// Calls body for every combination of the genes of `decisions`; the others are 0.
template <typename Body>
void for_each_combination(const SearchSpace& space, const std::vector<int>& decisions,
                          const Body& body) {
  Architecture arch;
  arch.genes.resize(space.decisions().size());
  while (true) {
    body(arch);
    std::size_t place = 0;
    for (; place < decisions.size(); ++place) {
      const auto decision = static_cast<std::size_t>(decisions[place]);
      auto& gene = arch.genes[decision];
      if (++gene < space.decisions()[decision].choices.size()) break;
      gene = 0;
    }
    if (place == decisions.size()) return;
  }
}

void check_combinations(const SearchSpace& space, int position, const std::vector<int>& decisions) {
  std::size_t combinations = 1;
  for (const int decision : decisions) {
    combinations *= space.decisions()[static_cast<std::size_t>(decision)].choices.size();
    if (combinations <= kMostCombinations) continue;
    throw ConfigError(space.name() + ": position " + space.position_name(position) +
                      ": expected at most " + std::to_string(kMostCombinations) +
                      " combinations of the decisions that it depends on, got more; pin some, such "
                      "as the resolution");
  }
}

struct Drawn {
  Architecture arch;
  spaces::NetworkSpec net;
  std::int64_t macs = 0;
};

/// Distinct networks (by network_id) ascending by MACs: random ones, the smallest and the largest.
std::vector<Drawn> draw_networks(const SearchSpace& space, int count, std::uint64_t seed) {
  std::vector<Drawn> networks;
  std::set<std::uint64_t> seen;
  const auto add = [&](Architecture arch) {
    Drawn drawn{std::move(arch), {}, 0};
    drawn.net = space.decode(drawn.arch);
    if (!seen.insert(network_id(drawn.net)).second) return;
    drawn.macs = spaces::count(drawn.net).macs;
    networks.push_back(std::move(drawn));
  };
  add(space.smallest());
  add(space.largest());
  Rng rng = Rng(seed).stream("measure/networks");
  for (int i = 0; i < count * kDrawsPerNetwork; ++i) add(space.sample(rng));
  std::stable_sort(networks.begin(), networks.end(),
                   [](const Drawn& a, const Drawn& b) { return a.macs < b.macs; });
  return networks;
}

/// `count` indices at even distances in [0, size), both ends among them.
std::vector<std::size_t> even_ranks(std::size_t size, std::size_t count) {
  std::vector<std::size_t> ranks;
  for (std::size_t i = 0; i < count; ++i) {
    ranks.push_back(count == 1 ? 0 : (i * (size - 1) + (count - 1) / 2) / (count - 1));
  }
  return ranks;
}

void add_networks(Plan& plan, const SearchSpace& space, int fit, int check, std::uint64_t seed) {
  if (fit + check == 0) return;
  const std::vector<Drawn> drawn = draw_networks(space, fit + check, seed);
  const auto wanted = static_cast<std::size_t>(fit + check);
  const std::size_t count = std::min(drawn.size(), wanted);
  // Where there are fewer networks than asked for, both lists shrink alike; the fit comes first.
  const std::size_t fits = (count * static_cast<std::size_t>(fit) + wanted - 1) / wanted;
  std::set<std::size_t> fit_places;
  for (std::size_t i = 0; i < fits; ++i) fit_places.insert((2 * i + 1) * count / (2 * fits));
  const std::vector<std::size_t> ranks = even_ranks(drawn.size(), count);
  for (std::size_t i = 0; i < count; ++i) {
    const Drawn& network = drawn[ranks[i]];
    Item item{to_text(space, network.arch), network.net};
    (fit_places.count(i) > 0 ? plan.fit : plan.check).push_back(std::move(item));
  }
}

Plan empty_plan(const SearchSpace& space) {
  Plan plan;
  plan.space = space.name();
  plan.space_fingerprint = space.fingerprint();
  return plan;
}

}  // namespace

void MeasureConfig::read(ConfigReader& reader) {
  reader.header("lathe.measure", 1);
  protocol.read(reader);
  reader.integer("fit_networks", fit_networks, {0, 1000},
                 "whole networks that the table's scale is fitted on");
  reader.integer("check_networks", check_networks, {0, 1000},
                 "whole networks that the table is checked on");
}

MeasureConfig read_measure_config(const nlohmann::json& config, const std::filesystem::path& file) {
  MeasureConfig result;
  ConfigReader::read(config, file, Strictness::config,
                     [&](ConfigReader& reader) { result.read(reader); });
  return result;
}

std::vector<Placed> reachable_blocks(const SearchSpace& space) {
  std::vector<Placed> blocks;
  std::set<std::string> seen;
  for (int position = 0; position < space.positions(); ++position) {
    const std::vector<int> decisions = space.depends_on(position);
    check_combinations(space, position, decisions);
    for_each_combination(space, decisions, [&](const Architecture& arch) {
      auto placed = space.placed_at(arch, position);
      if (placed && seen.insert(item_name(*placed)).second) blocks.push_back(std::move(*placed));
    });
  }
  return blocks;
}

Plan make_plan(const SearchSpace& space, int fit_networks, int check_networks, std::uint64_t seed) {
  Plan plan = empty_plan(space);
  for (const Placed& block : reachable_blocks(space)) plan.blocks.push_back(item_of(block));
  add_networks(plan, space, fit_networks, check_networks, seed);
  return plan;
}

std::vector<Placed> missing_blocks(const LatencyTable& table, const SearchSpace& space) {
  std::vector<Placed> missing;
  for (Placed& block : reachable_blocks(space)) {
    if (!table.contains(key(block.block), block.precision)) missing.push_back(std::move(block));
  }
  return missing;
}

Plan make_missing_plan(const LatencyTable& table, const SearchSpace& space) {
  Plan plan = empty_plan(space);
  for (const Placed& block : missing_blocks(table, space)) plan.blocks.push_back(item_of(block));
  return plan;
}

Protocol resolved(Protocol protocol, const Plan& plan) {
  if (protocol.evict_bytes) return protocol;
  std::vector<double> bytes = {};
  for (const auto* items : {&plan.fit, &plan.check}) {
    for (const Item& item : *items) {
      bytes.push_back(static_cast<double>(spaces::count(item.net).params) * sizeof(float));
    }
  }
  protocol.evict_bytes = bytes.empty() ? 0 : static_cast<std::int64_t>(median(std::move(bytes)));
  return protocol;
}

Micros estimated_time(const Plan& plan, const Protocol& protocol) {
  // From one core of a laptop or server: MobileNetV3-Large, 217 M MACs, runs in 15 ms on XNNPACK, a
  // runtime is entered in 20 us, the reference executor does 0.5 G MACs a second, and 8 GB of
  // memory are read in a second.
  constexpr double kMacsPerUs = 14000, kReferenceMacsPerUs = 500;
  constexpr double kBytesPerUs = 8000;
  constexpr Micros kEntry{20};
  const auto evict_bytes = static_cast<double>(*resolved(protocol, plan).evict_bytes);
  Micros total{0};
  for (const auto* items : {&plan.blocks, &plan.fit, &plan.check}) {
    for (const Item& item : *items) {
      const auto macs = static_cast<double>(spaces::count(item.net).macs);
      const Micros run = kEntry + Micros{macs / kMacsPerUs};
      const Micros eviction{item.net.blocks.size() == 1 ? evict_bytes / kBytesPerUs : 0};
      const Micros timed = std::max<Micros>(protocol.min_time, protocol.runs * (run + eviction));
      const Micros capped = std::max(run, std::min(timed, protocol.max_time));
      total += protocol.rounds * (protocol.warm_up_runs * run + capped);
      total += Micros{macs / kReferenceMacsPerUs};
    }
  }
  return total;
}

}  // namespace lathe::latency
