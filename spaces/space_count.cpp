#include "spaces/base/error.hpp"
#include "spaces/space_data.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <unordered_map>

namespace lathe::spaces {
namespace {

using Genes = std::vector<std::uint8_t>;

std::size_t at(int value) { return static_cast<std::size_t>(value); }

/// A natural number of any size, for counts beyond 64 bits.
class Natural {
 public:
  explicit Natural(std::uint32_t value = 0) {
    if (value > 0) digits_.push_back(value);
  }
  Natural& operator+=(const Natural& other) {
    std::uint64_t carry = 0;
    digits_.resize(std::max(digits_.size(), other.digits_.size()));
    for (std::size_t i = 0; i < digits_.size(); ++i) {
      carry += digits_[i] + (i < other.digits_.size() ? std::uint64_t(other.digits_[i]) : 0);
      digits_[i] = static_cast<std::uint32_t>(carry % kBase);
      carry /= kBase;
    }
    if (carry > 0) digits_.push_back(static_cast<std::uint32_t>(carry));
    return *this;
  }
  Natural operator*(const Natural& other) const {
    Natural result;
    result.digits_.resize(digits_.size() + other.digits_.size());
    for (std::size_t i = 0; i < digits_.size(); ++i) {
      std::uint64_t carry = 0;
      for (std::size_t j = 0; j < other.digits_.size() || carry > 0; ++j) {
        std::uint32_t& to = result.digits_[i + j];
        carry += to + (j < other.digits_.size() ? std::uint64_t(digits_[i]) * other.digits_[j] : 0);
        to = static_cast<std::uint32_t>(carry % kBase);
        carry /= kBase;
      }
    }
    while (!result.digits_.empty() && result.digits_.back() == 0) result.digits_.pop_back();
    return result;
  }
  std::string text() const {
    if (digits_.empty()) return "0";
    std::string result = std::to_string(digits_.back());
    for (std::size_t i = digits_.size() - 1; i-- > 0;) {
      const std::string part = std::to_string(digits_[i]);
      result += std::string(9 - part.size(), '0') + part;
    }
    return result;
  }

 private:
  static constexpr std::uint32_t kBase = 1'000'000'000;
  std::vector<std::uint32_t> digits_;  ///< of base kBase, the least first
};

/// Codes of a decision and of all that depend on it.
Natural codes_under(const SpaceData& space, int decision) {
  Natural total;
  for (int choice = 0; choice < static_cast<int>(space.decisions[at(decision)].choices.size());
       ++choice) {
    Natural product(1);
    for (int later = decision + 1; later < static_cast<int>(space.decisions.size()); ++later) {
      const auto& condition = space.decisions[at(later)].active_if;
      if (!condition || condition->decision != decision) continue;
      const auto& choices = condition->choices;
      if (std::find(choices.begin(), choices.end(), choice) == choices.end()) continue;
      product = product * codes_under(space, later);
    }
    total += product;
  }
  return total;
}

/// Where a walk stands before a position: all that the rest of the network can depend on.
struct State {
  int position = 0;
  Shape in;
  Genes genes;  ///< zero where the rest does not depend on them

  friend bool operator<(const State& a, const State& b) {
    return std::tie(a.position, a.in.height, a.in.width, a.in.channels, a.genes) <
           std::tie(b.position, b.in.height, b.in.width, b.in.channels, b.genes);
  }
};

/// Calls visit with every combination of the decisions' choices set in `genes`.
void for_each_choice(const SpaceData& space, const std::vector<int>& decisions, Genes genes,
                     const std::function<void(const Genes&)>& visit) {
  for (const int d : decisions) genes[at(d)] = 0;
  for (;;) {
    visit(genes);
    std::size_t i = 0;
    while (i < decisions.size()) {
      auto& gene = genes[at(decisions[i])];
      if (++gene < space.decisions[at(decisions[i])].choices.size()) break;
      gene = 0;
      ++i;
    }
    if (i == decisions.size()) return;
  }
}

std::vector<State> first_states(const SpaceData& space) {
  std::vector<int> decisions;
  if (space.file.width && space.file.width->decision >= 0) {
    decisions.push_back(space.file.width->decision);
  }
  const int resolution = space.file.resolution.decision;
  if (resolution >= 0) decisions.push_back(resolution);
  std::vector<State> states;
  for_each_choice(space, decisions, Genes(space.decisions.size(), 0), [&](Genes genes) {
    const Shape image = input_of(space, genes);
    if (resolution >= 0) genes[at(resolution)] = 0;  // the shape says it
    states.push_back({0, image, std::move(genes)});
  });
  return states;
}

/// Calls visit(block or nullopt, next state) for everything that can stand at a state's position.
void for_each_step(const SpaceData& space, const State& state,
                   const std::function<void(const std::optional<Placed>&, State)>& visit) {
  const Site& site = space.sites[at(state.position)];
  const StageTemplate& stage = space.file.stages[at(site.stage)];
  std::vector<int> of_stage, of_block;
  if (site.index == 0) of_stage = stage_decisions(space, site.stage);
  if (site.index == 0 || !stage.per_stage) {
    auto& to = stage.per_stage ? of_stage : of_block;
    to.insert(to.end(), site.decisions.begin(), site.decisions.end());
  }
  if (site.operator_decision >= 0) of_block.push_back(site.operator_decision);
  const int next = state.position + 1;
  const bool stays = at(next) < space.sites.size() && space.sites[at(next)].stage == site.stage;
  const auto finish = [&](const std::optional<Placed>& placed, Genes genes) {
    for (const int d : of_block) genes[at(d)] = 0;
    if (!stays) {
      for (const int d : stage_decisions(space, site.stage)) genes[at(d)] = 0;
      for (const int d : site.decisions) genes[at(d)] = 0;
    }
    visit(placed, {next, placed ? output_shape(placed->block) : state.in, std::move(genes)});
  };
  for_each_choice(space, of_stage, state.genes, [&](const Genes& genes) {
    if (site.index >= value_of(space, stage.depth, genes)) return finish(std::nullopt, genes);
    for_each_choice(space, of_block, genes, [&](const Genes& all) {
      finish(place(space, all, state.position, state.in), all);
    });
  });
}

/// Counts the words of the automaton whose states are a walk's and whose letters are block keys: a
/// position without a block is a silent step. Sets of states make it deterministic, so that a
/// network that several codes spell counts once.
class NetworkCounter {
 public:
  explicit NetworkCounter(const SpaceData& space) : space_(space) {}

  std::optional<std::string> count() {
    std::map<int, std::set<int>> by_image;  // the image's side is part of the network
    for (State& state : first_states(space_)) {
      const int side = state.in.height;
      by_image[side].insert(number(std::move(state)));
    }
    Natural total;
    for (const auto& [side, states] : by_image) total += words_from(states);
    if (too_many_) return std::nullopt;
    return total.text();
  }

 private:
  static constexpr std::size_t kMaxStates = 100'000;
  struct Steps {
    std::vector<int> silent;
    std::vector<std::pair<int, int>> letters;  ///< letter, next state
  };

  int number(State state) {
    const auto [found, is_new] =
        numbers_.emplace(std::move(state), static_cast<int>(states_.size()));
    if (is_new) {
      states_.push_back(&found->first);
      steps_.emplace_back();
    }
    return found->second;
  }

  const Steps& steps(int state) {
    if (!steps_[at(state)]) {
      std::set<int> silent;
      std::set<std::pair<int, int>> letters;
      const State from = *states_[at(state)];
      for_each_step(space_, from, [&](const std::optional<Placed>& placed, State next) {
        const int to = number(std::move(next));
        if (!placed) {
          silent.insert(to);
          return;
        }
        const auto letter = letters_.emplace(key(placed->block), static_cast<int>(letters_.size()));
        letters.emplace(letter.first->second, to);
      });
      steps_[at(state)] = Steps{{silent.begin(), silent.end()}, {letters.begin(), letters.end()}};
    }
    return *steps_[at(state)];
  }

  /// Number of different words from any of the states to the end.
  Natural words_from(std::set<int> states) {
    const auto known = words_.find(states);
    if (known != words_.end()) return known->second;
    if (too_many_ || words_.size() + states_.size() > kMaxStates) {
      too_many_ = true;
      return Natural();
    }
    const std::set<int> key = states;
    std::map<int, std::set<int>> next;  // by letter
    Natural total;
    bool ends = false;
    for (std::vector<int> open(states.begin(), states.end()); !open.empty();) {
      const int state = open.back();
      open.pop_back();
      if (at(states_[at(state)]->position) == space_.sites.size()) {
        ends = true;
        continue;
      }
      const Steps& from = steps(state);
      for (const int silent : from.silent) {
        if (states.insert(silent).second) open.push_back(silent);
      }
      for (const auto& [letter, to] : from.letters) next[letter].insert(to);
    }
    if (ends) total += Natural(1);
    for (const auto& [letter, to] : next) total += words_from(to);
    words_.emplace(key, total);
    return total;
  }

  const SpaceData& space_;
  std::map<State, int> numbers_;
  std::vector<const State*> states_;
  std::vector<std::optional<Steps>> steps_;
  std::unordered_map<std::string, int> letters_;
  std::map<std::set<int>, Natural> words_;
  bool too_many_ = false;
};

}  // namespace

std::string count_codes(const SpaceData& space) {
  Natural total(1);
  for (int d = 0; d < static_cast<int>(space.decisions.size()); ++d) {
    if (!space.decisions[at(d)].active_if) total = total * codes_under(space, d);
  }
  return total.text();
}

std::optional<std::string> count_networks(const SpaceData& space) {
  return NetworkCounter(space).count();
}

std::vector<BlockSpec> blocks_of_slot(const SpaceData& space, int slot) {
  const int position = space.slot_sites[at(slot)];
  std::vector<State> states = first_states(space);
  std::vector<BlockSpec> blocks;
  std::set<std::string> keys;
  for (int here = 0; here <= position; ++here) {
    std::set<State> known;
    std::vector<State> next_states;
    for (const State& state : states) {
      for_each_step(space, state, [&](const std::optional<Placed>& placed, State next) {
        if (placed && placed->slot == slot && keys.insert(key(placed->block)).second) {
          blocks.push_back(placed->block);
        }
        if (known.insert(next).second) next_states.push_back(std::move(next));
      });
    }
    states = std::move(next_states);
  }
  return blocks;
}

}  // namespace lathe::spaces
