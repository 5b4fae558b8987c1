#include "search/feasibility.hpp"

#include "spaces/additive_cost.hpp"
#include "spaces/base/hash.hpp"
#include "spaces/cost.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <utility>

namespace lathe::search {
namespace {

using spaces::Architecture;
using spaces::Placed;
using spaces::SearchSpace;

constexpr std::size_t kEnumerateDecoded = std::size_t(1) << 13;
constexpr int kRandomStarts = 8;
constexpr int kMaxSweeps = 64;
constexpr int kAdmittedSamples = 100000;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

int bytes_of(spaces::Precision precision) {
  switch (precision) {
    case spaces::Precision::fp32:
      return 4;
    case spaces::Precision::fp16:
      return 2;
    case spaces::Precision::int8:
      break;
  }
  return 1;
}

const latency::LatencyModel& model_of(const std::string& name, const std::string& table,
                                      const LatencyModels& models) {
  std::string known;
  for (const auto& entry : models) known += (known.empty() ? "" : ", ") + entry.first;
  const std::string found =
      known.empty() ? "no table" : (models.size() == 1 ? "the table " : "the tables ") + known;
  if (table.empty()) {
    if (models.size() == 1) return *models.begin()->second;
    throw ConfigError({name, "one latency table, or latency.NAME", found,
                       models.empty() ? "give --table FILE or the key tables" : ""});
  }
  const auto model = models.find(table);
  if (model == models.end()) throw ConfigError({name, "a table named " + table, found, ""});
  return *model->second;
}

/// Changes one gene at a time, to the best choice, until no change lowers `value`.
Architecture descend(const SearchSpace& space, Architecture start,
                     const std::function<double(const Architecture&)>& value) {
  Architecture best = space.canonical(std::move(start));
  double least = value(best);
  bool lower = true;
  for (int sweep = 0; sweep < kMaxSweeps && lower; ++sweep) {
    lower = false;
    for (std::size_t d = 0; d < best.genes.size(); ++d) {
      const std::size_t choices = space.decisions()[d].choices.size();
      for (std::size_t c = 0; c < choices; ++c) {
        Architecture other = best;
        other.genes[d] = static_cast<std::uint8_t>(c);
        other = space.canonical(std::move(other));
        const double v = value(other);
        if (v < least) {
          least = v;
          best = std::move(other);
          lower = true;
        }
      }
    }
  }
  return best;
}

/// Descent from every start; ties: the first.
Architecture descend_from(const SearchSpace& space, const std::vector<Architecture>& starts,
                          const std::function<double(const Architecture&)>& value) {
  Architecture best;
  double least = kInfinity;
  for (const Architecture& start : starts) {
    Architecture end = descend(space, start, value);
    const double v = value(end);
    if (best.genes.empty() || v < least) {
      least = v;
      best = std::move(end);
    }
  }
  return best;
}

std::vector<Architecture> starts_of(const SearchSpace& space) {
  std::vector<Architecture> starts{space.smallest(), space.largest()};
  const Rng root(space.fingerprint());
  for (std::uint64_t i = 0; i < kRandomStarts; ++i) {
    Rng rng = root.stream("feasibility/start", i);
    starts.push_back(space.sample(rng));
  }
  return starts;
}

/// The number of canonical genotypes, or the largest size_t if it is more than 10^9.
std::size_t codes_of(const SearchSpace& space) {
  const std::string digits = space.codes();
  return digits.size() > 9 ? std::numeric_limits<std::size_t>::max() : std::stoull(digits);
}

double three_digits(double value) {
  if (!(value > 0)) return value;
  const double unit = std::pow(10.0, std::floor(std::log10(value)) - 2);
  return std::round(value / unit) * unit;
}

}  // namespace

Architecture first_genotype(const SearchSpace& space) {
  Architecture first;
  first.genes.assign(space.decisions().size(), 0);
  return first;
}

std::optional<Architecture> next_genotype(const SearchSpace& space, Architecture arch) {
  for (std::size_t d = arch.genes.size(); d-- > 0;) {
    const std::size_t next = arch.genes[d] + std::size_t(1);
    if (space.is_active(arch, static_cast<int>(d)) && next < space.decisions()[d].choices.size()) {
      arch.genes[d] = static_cast<std::uint8_t>(next);
      return arch;
    }
    arch.genes[d] = 0;
  }
  return std::nullopt;
}

void require_all_blocks(const SearchSpace& space, const latency::LatencyTable& table,
                        const std::string& file) {
  std::set<std::string> needed, missing;
  const spaces::AdditiveCost visit(space, [&](const Placed& placed) {
    std::string name = key(placed.block);
    const bool there = table.contains(name, placed.precision);
    if (placed.precision != spaces::Precision::fp32) {
      name += " (" + std::string(name_of(placed.precision)) + ")";
    }
    if (!there) missing.insert(name);
    needed.insert(std::move(name));
    return 0.0;
  });
  if (missing.empty()) return;
  std::string first;
  int listed = 0;
  for (const std::string& name : missing) {
    if (++listed > 5) break;
    first += (first.empty() ? "" : ", ") + ('"' + name + '"');
  }
  throw MissingEntry({file,
                      "a latency of each of the " + std::to_string(needed.size()) +
                          " blocks that " + space.name() + " can reach",
                      "none of " + std::to_string(missing.size()) + ": " + first +
                          (missing.size() > 5 ? ", ..." : ""),
                      "run `lathe measure --missing --space " + space.name() + " --out " + file +
                          "` on the table's device"});
}

Feasibility::Feasibility(const SearchSpace& space, const std::vector<std::string>& objectives,
                         const std::vector<Constraint>& constraints, const LatencyModels& models,
                         const Options& options)
    : space_(space), options_(options) {
  for (const std::string& name : objectives) {
    if (parse_quantity(name, "objectives").quantity != Quantity::error) add_cost(name, models);
  }
  for (const Constraint& constraint : constraints) add_cost(constraint.name, models);

  enumerable_ = codes_of(space_) <= options_.enumerate;
  const bool decodes =
      std::any_of(costs_.begin(), costs_.end(), [](const Cost& c) { return !c.of; });
  if (enumerable_ && (!decodes || codes_of(space_) <= kEnumerateDecoded)) {
    enumerate_reach();
  } else {
    descend_reach();
  }
  resolve_bounds(constraints);
  find_anchor();
}

void Feasibility::add_cost(const std::string& name, const LatencyModels& models) {
  if (find_cost(name)) return;
  const QuantityName quantity = parse_quantity(name, name);
  std::function<double(const Placed&)> part;
  Cost cost;
  switch (quantity.quantity) {
    case Quantity::latency: {
      const latency::LatencyModel& model = model_of(name, quantity.table, models);
      // Summed in us and turned into ms once, as predicting the whole network does.
      const spaces::AdditiveCost sum(
          space_, [&model](const Placed& placed) { return model.predict(placed).count(); });
      cost.of = [sum](const Architecture& arch) { return Millis(Micros(sum(arch))).count(); };
      cost.lower_bound = Millis(Micros(sum.lower_bound())).count();
      break;
    }
    case Quantity::macs:
      part = [](const Placed& p) { return static_cast<double>(spaces::count(p.block).macs); };
      break;
    case Quantity::params:
      part = [](const Placed& p) { return static_cast<double>(spaces::count(p.block).params); };
      break;
    case Quantity::size:
      part = [](const Placed& p) {
        return static_cast<double>(spaces::count(p.block).params * bytes_of(p.precision));
      };
      break;
    case Quantity::memory:
      cost.of_net = [](const spaces::NetworkSpec& net) {
        return static_cast<double>(spaces::peak_activation_bytes(net));
      };
      break;
    case Quantity::error:
      LATHE_CHECK(false, "the error is no cost");
  }
  if (part) {
    const spaces::AdditiveCost sum(space_, part);
    cost.of = sum;
    cost.lower_bound = sum.lower_bound();
  }
  names_.push_back(name);
  costs_.push_back(std::move(cost));
}

std::optional<std::size_t> Feasibility::find_cost(const std::string& name) const {
  const auto place = std::find(names_.begin(), names_.end(), name);
  if (place == names_.end()) return std::nullopt;
  return static_cast<std::size_t>(place - names_.begin());
}

double Feasibility::cost(std::size_t index, const Architecture& arch) const {
  const Cost& cost = costs_[index];
  return cost.of ? cost.of(arch) : cost.of_net(space_.decode(arch));
}

/// The largest cost over its bound: feasible is at most 1; infinite where not admitted.
double Feasibility::strain(const Architecture& arch) const {
  if (options_.admits && !options_.admits(arch)) return kInfinity;
  double worst = 0;
  for (std::size_t i = 0; i < costs_.size(); ++i) {
    if (bounds_[i]) worst = std::max(worst, cost(i, arch) / *bounds_[i]);
  }
  return worst;
}

void Feasibility::enumerate_reach() {
  reach_.assign(costs_.size(), {kInfinity, -kInfinity, 0, true});
  extremes_.assign(2 * costs_.size(), {});
  for (std::optional<Architecture> arch = first_genotype(space_); arch;
       arch = next_genotype(space_, *arch)) {
    if (options_.admits && !options_.admits(*arch)) continue;
    for (std::size_t i = 0; i < costs_.size(); ++i) {
      const double value = cost(i, *arch);
      if (value < reach_[i].least) {
        reach_[i].least = reach_[i].bound = value;
        extremes_[2 * i] = *arch;
      }
      if (value > reach_[i].most) {
        reach_[i].most = value;
        extremes_[2 * i + 1] = *arch;
      }
    }
  }
  if (!reach_.empty() && extremes_.front().genes.empty()) {
    throw InfeasibleError("no network of " + space_.name() + " is admitted");
  }
}

void Feasibility::descend_reach() {
  const std::vector<Architecture> starts = starts_of(space_);
  for (std::size_t i = 0; i < costs_.size(); ++i) {
    Architecture least =
        descend_from(space_, starts, [&](const Architecture& a) { return cost(i, a); });
    Architecture most =
        descend_from(space_, starts, [&](const Architecture& a) { return -cost(i, a); });
    reach_.push_back({cost(i, least), cost(i, most), costs_[i].lower_bound, false});
    extremes_.push_back(std::move(least));
    extremes_.push_back(std::move(most));
  }
}

void Feasibility::resolve_bounds(const std::vector<Constraint>& constraints) {
  bounds_.assign(costs_.size(), std::nullopt);
  for (const Constraint& constraint : constraints) {
    const std::size_t i = *find_cost(constraint.name);
    const double middle = three_digits((reach_[i].least + reach_[i].most) / 2);
    const double bound = constraint.bound.value_or(middle);
    bounds_[i] = bounds_[i] ? std::min(*bounds_[i], bound) : bound;
  }
  for (std::size_t i = 0; i < costs_.size(); ++i) {
    if (bounds_[i] && *bounds_[i] < reach_[i].bound) refuse_bounds();
  }
}

void Feasibility::find_anchor() {
  std::vector<Architecture> starts = starts_of(space_);
  starts.insert(starts.end(), extremes_.begin(), extremes_.end());
  const auto value = [this](const Architecture& arch) { return strain(arch); };
  double least = kInfinity;
  const auto offer = [&](const Architecture& arch) {
    const double v = value(arch);
    if (v < least) {
      least = v;
      anchor_ = arch;
    }
  };
  if (options_.admits && enumerable_) {
    for (std::optional<Architecture> arch = first_genotype(space_); arch;
         arch = next_genotype(space_, *arch)) {
      offer(*arch);
    }
  } else if (options_.admits) {
    const Rng root = Rng(space_.fingerprint()).stream("feasibility/admitted");
    for (int i = 0; i < kAdmittedSamples; ++i) {
      Rng rng = root.stream("sample", static_cast<std::uint64_t>(i));
      offer(space_.sample(rng));
    }
  } else {
    offer(descend_from(space_, starts, value));
  }
  if (!(least <= 1)) refuse_bounds();
}

/// The one constraint that nothing meets, or all of them together.
void Feasibility::refuse_bounds() const {
  for (std::size_t i = 0; i < costs_.size(); ++i) {
    if (!bounds_[i] || *bounds_[i] >= reach_[i].least) continue;
    const Reach& reach = reach_[i];
    const bool exact = reach.exact || reach.least <= reach.bound * (1 + 1e-9);
    std::string message = "no network of " + space_.name() + (exact ? "" : " found") + " within " +
                          text_of(names_[i], *bounds_[i]) +
                          (names_[i] == "latency" ? "" : " of " + names_[i]) +
                          ": reachable range " + range_text(names_[i], reach.least, reach.most);
    if (!exact && reach.bound > 0) {
      message += " (found by descent; none can be below " + text_of(names_[i], reach.bound) + ")";
    }
    throw InfeasibleError(message);
  }
  std::string asked, nearest;
  for (std::size_t i = 0; i < costs_.size(); ++i) {
    if (!bounds_[i]) continue;
    asked += (asked.empty() ? "" : ", ") + names_[i] + " " + text_of(names_[i], *bounds_[i]);
    if (anchor_.genes.empty()) continue;
    nearest +=
        (nearest.empty() ? "" : ", ") + names_[i] + " " + text_of(names_[i], cost(i, anchor_));
  }
  throw InfeasibleError("no network of " + space_.name() + " found that is admitted and within " +
                        (asked.empty() ? "all bounds" : asked) + " together" +
                        (nearest.empty() ? "" : "; the nearest has " + nearest));
}

std::optional<Proposal> Feasibility::check(const Architecture& arch) const {
  const Architecture same = space_.canonical(arch);
  if (options_.admits && !options_.admits(same)) return std::nullopt;
  for (std::size_t i = 0; i < costs_.size(); ++i) {
    if (bounds_[i] && costs_[i].of && costs_[i].of(same) > *bounds_[i]) return std::nullopt;
  }
  Proposal proposal = propose(same);
  for (std::size_t i = 0; i < costs_.size(); ++i) {
    if (bounds_[i] && proposal.costs[i] > *bounds_[i]) return std::nullopt;
  }
  return proposal;
}

Proposal Feasibility::propose(const Architecture& arch) const {
  Proposal proposal;
  proposal.arch = space_.canonical(arch);
  proposal.net = space_.decode(proposal.arch);
  for (const Cost& cost : costs_) {
    proposal.costs.push_back(cost.of ? cost.of(proposal.arch) : cost.of_net(proposal.net));
  }
  const std::vector<std::uint8_t>& genes = proposal.arch.genes;
  proposal.identity = options_.identity == Identity::function
                          ? network_id(proposal.net)
                          : fingerprint_of(std::string(genes.begin(), genes.end()));
  return proposal;
}

}  // namespace lathe::search
