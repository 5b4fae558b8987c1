#include "search/ageing_searcher.hpp"

#include "search/first_population.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

namespace lathe::search {
namespace {

using nlohmann::json;
using spaces::Architecture;

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Two hexadecimal digits per gene.
std::string digits_of(const Architecture& arch) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string digits;
  for (const std::uint8_t gene : arch.genes) {
    digits += kDigits[gene / 16];
    digits += kDigits[gene % 16];
  }
  return digits;
}

Architecture architecture_of(const std::string& digits) {
  Architecture arch;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    arch.genes.push_back(static_cast<std::uint8_t>(std::stoi(digits.substr(i, 2), nullptr, 16)));
  }
  return arch;
}

using Members = std::vector<AgeingSearcher::Member>;

json members_json(const Members& members) {
  json losses = json::array();
  std::string networks;  // one text: a list would be a line per gene
  for (const auto& [arch, loss] : members) {
    networks += digits_of(arch);
    losses.push_back(loss);
  }
  return {{"networks", networks}, {"losses", losses}};
}

Members read_members(ConfigReader& reader, const spaces::SearchSpace& space) {
  constexpr double kMost = std::numeric_limits<double>::max();
  std::string digits;
  std::vector<double> losses;
  reader.required().string("networks", digits, "two hexadecimal digits per decision");
  reader.required().numbers("losses", losses, {-kMost, kMost}, "one per network");
  const auto& decisions = space.decisions();
  const std::size_t size = 2 * decisions.size();
  const bool is_hex = digits.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!is_hex || digits.size() != losses.size() * size) {
    reader.refuse("networks",
                  std::to_string(losses.size()) + " networks of " + std::to_string(size) +
                      " hexadecimal digits",
                  quote(digits));
  }
  Members members;
  for (std::size_t i = 0; i < losses.size(); ++i) {
    members.push_back({architecture_of(digits.substr(i * size, size)), losses[i]});
    for (std::size_t d = 0; d < decisions.size(); ++d) {
      const std::size_t choices = decisions[d].choices.size();
      const std::size_t gene = members.back().arch.genes[d];
      if (gene < choices) continue;
      reader.refuse("networks",
                    "for " + decisions[d].name + " a choice below " + std::to_string(choices),
                    std::to_string(gene));
    }
  }
  return members;
}

}  // namespace

void AgeingConfig::read(ConfigReader& reader) {
  reader.integer("population", population, {2, 4096}, "ageing: networks alive");
  reader.integer("sample", sample, {1, 4096}, "ageing: members drawn, the best of which is parent");
  reader.integer("batch", batch, {1, 4096},
                 "ageing: children made from one population; a multiple of workers uses them all");
  reader.number("mutate_probability", mutate_probability, {0, 1},
                "ageing: chance that a decision changes besides the one that always does");
  reader.number("uniform_share", uniform_share, {0, 1},
                "ageing: part of the first population that is uniform networks, where feasible");
  reader.entries(
      "exponents",
      [&](const std::string& name, const json& value) {
        if (!value.is_number() || !(value.get<double>() >= 0 && value.get<double>() <= 10)) {
          reader.refuse("exponents", "a number in [0, 10] for " + name, value.dump());
        }
        exponents[name] = value.get<double>();
      },
      "ageing: price of each objective but the error: (1 - error) * cost ^ -exponent is "
      "maximised, 0.07 makes twice the cost worth 5 % of accuracy");
  reader.integer("max_tries", max_tries, {10, 1000000},
                 "ageing: children made, and then samples drawn, per network, at most");
  if (sample > population) {
    reader.refuse("sample", "at most population, " + std::to_string(population),
                  std::to_string(sample));
  }
  if (batch > population) {
    reader.refuse("batch", "at most population, " + std::to_string(population),
                  std::to_string(batch));
  }
}

void AgeingConfig::check(const ConfigReader& reader,
                         const std::vector<std::string>& objectives) const {
  for (const std::string& name : objectives) {
    if (name == "error" || exponents.count(name) > 0) continue;
    reader.refuse("exponents", "an exponent for the objective " + name, json(exponents).dump(),
                  "ageing evolution goes by one number: give \"exponents\": {\"" + name +
                      "\": 0.07}, or let error be the only objective and bound " + name +
                      " in constraints");
  }
  for (const auto& entry : exponents) {
    if (entry.first != "error" && contains(objectives, entry.first)) continue;
    reader.refuse("exponents", "names of objectives other than error", '"' + entry.first + '"',
                  "the objectives are " + json(objectives).dump());
  }
}

AgeingSearcher::AgeingSearcher(const Feasibility& feasibility, const AgeingConfig& config,
                               const std::vector<std::string>& objectives, const Rng& rng)
    : config_(config), rng_(rng), source_(feasibility, config.max_tries) {
  LATHE_CHECK(contains(objectives, "error"), "ageing evolution needs the objective error");
  for (std::size_t i = 0; i < objectives.size(); ++i) {
    if (objectives[i] == "error") error_ = i;
    if (objectives.size() == 1) continue;
    const auto exponent = config.exponents.find(objectives[i]);
    LATHE_CHECK(objectives[i] == "error" || exponent != config.exponents.end(),
                "no exponent for " + objectives[i]);
    exponents_.push_back(objectives[i] == "error" ? 0 : exponent->second);
  }
}

double AgeingSearcher::loss(const Scores& scores) const {
  if (exponents_.empty()) return scores[error_];
  double loss = -std::log(1 - scores[error_]);
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (exponents_[i] > 0) loss += exponents_[i] * std::log(scores[i]);
  }
  return loss;
}

std::vector<Proposal> AgeingSearcher::ask() {
  if (population_.empty()) {
    return first_population(source_, config_.population, config_.uniform_share,
                            rng_.stream("ageing/first", round_));
  }
  const Rng round = rng_.stream("ageing/round", round_);
  std::vector<Proposal> children;
  for (int i = 0; i < config_.batch; ++i) {
    Rng rng = round.stream("child", static_cast<std::uint64_t>(i));
    std::optional<Proposal> proposal = child(rng);
    if (!proposal) proposal = source_.random(rng);
    if (!proposal) break;
    children.push_back(std::move(*proposal));
  }
  return children;
}

std::optional<Proposal> AgeingSearcher::child(Rng& rng) {
  for (int i = 0; i < config_.max_tries; ++i) {
    const Architecture arch =
        source_.feasibility().space().canonical(mutated(tournament(rng).arch, rng));
    if (auto proposal = source_.claim(arch)) return proposal;
    const auto known = history_.find(arch);  // known networks are born again, for nothing
    if (known != history_.end()) be_born({arch, known->second});
  }
  return std::nullopt;
}

const AgeingSearcher::Member& AgeingSearcher::tournament(Rng& rng) const {
  const auto draw = [&] { return &population_[rng.below64(population_.size())]; };
  const Member* best = draw();
  for (int i = 1; i < config_.sample; ++i) {
    const Member* drawn = draw();
    if (drawn->loss < best->loss) best = drawn;
  }
  return *best;
}

Architecture AgeingSearcher::mutated(const Architecture& parent, Rng& rng) const {
  const spaces::SearchSpace& space = source_.feasibility().space();
  const auto choices = [&](std::size_t d) {
    return static_cast<int>(space.decisions()[d].choices.size());
  };
  std::vector<std::size_t> open;
  for (std::size_t d = 0; d < parent.genes.size(); ++d) {
    if (choices(d) > 1 && space.is_active(parent, static_cast<int>(d))) open.push_back(d);
  }
  if (open.empty()) return parent;
  const std::size_t changed = open[rng.below64(open.size())];
  Architecture child = parent;
  for (std::size_t d = 0; d < child.genes.size(); ++d) {
    if (choices(d) < 2 || !space.is_active(child, static_cast<int>(d))) continue;
    if (!space.is_active(parent, static_cast<int>(d))) {
      child.genes[d] = static_cast<std::uint8_t>(rng.below(choices(d)));
    } else if (d == changed || rng.chance(config_.mutate_probability)) {
      const int step = 1 + rng.below(choices(d) - 1);
      child.genes[d] = static_cast<std::uint8_t>((child.genes[d] + step) % choices(d));
    }
  }
  return child;
}

/// Joins the population as its youngest; the oldest dies.
void AgeingSearcher::be_born(Member member) {
  population_.push_back(std::move(member));
  if (population_.size() > static_cast<std::size_t>(config_.population)) population_.pop_front();
}

void AgeingSearcher::tell(const std::vector<Evaluated>& results) {
  for (const Evaluated& result : results) {
    if (const auto* scores = std::get_if<Scores>(&result.scores)) {
      const double of_scores = loss(*scores);
      history_[result.proposal.arch] = of_scores;
      be_born({result.proposal.arch, of_scores});
    }
  }
  ++round_;
}

json AgeingSearcher::state() const {
  Members history;
  for (const auto& [arch, loss] : history_) history.push_back({arch, loss});
  return {{"round", round_},
          {"population", members_json({population_.begin(), population_.end()})},
          {"history", members_json(history)},
          {"source", source_.state()}};
}

void AgeingSearcher::restore(ConfigReader& state) {
  const spaces::SearchSpace& space = source_.feasibility().space();
  read_counter(state, "round", round_, "rounds so far");
  Members population, history;
  state.required().object(
      "population", [&](ConfigReader& r) { population = read_members(r, space); }, "oldest first");
  state.required().object(
      "history", [&](ConfigReader& r) { history = read_members(r, space); }, "all evaluated");
  state.required().object(
      "source", [this](ConfigReader& r) { source_.restore(r); }, "networks proposed");
  if (population.size() > static_cast<std::size_t>(config_.population)) {
    state.refuse("population", "at most " + std::to_string(config_.population) + " networks",
                 std::to_string(population.size()));
  }
  population_.assign(population.begin(), population.end());
  history_.clear();
  for (const auto& [arch, loss] : history) history_[arch] = loss;
}

}  // namespace lathe::search
