#include "spaces/additive_cost.hpp"

#include "spaces/base/error.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

namespace lathe::spaces {

/// One flat table per position; an absent block costs 0, which leaves any sum as it is.
struct AdditiveCost::Tables {
  struct Term {
    std::uint32_t decision, stride;
  };
  /// The terms of positions[i] end where those of positions[i + 1] begin.
  struct Position {
    std::uint32_t first_term, first_entry;
  };
  std::size_t decisions = 0;
  std::string space;
  std::vector<Position> positions;  ///< with one more at the end
  std::vector<Term> terms;
  std::vector<double> entries;
};

namespace {

/// Number of combinations of the decisions' choices, capped above `most`.
std::size_t combinations(const SearchSpace& space, const std::vector<int>& decisions,
                         std::size_t most) {
  std::size_t total = 1;
  for (const int d : decisions) {
    total *= space.decisions()[static_cast<std::size_t>(d)].choices.size();
    if (total > most) return most + 1;
  }
  return total;
}

void check_size(const SearchSpace& space, std::size_t max_entries) {
  std::size_t total = 0;
  for (int p = 0; p < space.positions(); ++p) {
    const std::size_t here = combinations(space, space.depends_on(p), max_entries);
    total += here;
    if (total > max_entries) {
      throw ConfigError(
          Problem{"space " + space.name(),
                  "at most " + std::to_string(max_entries) + " table entries for sums over blocks",
                  "more at " + space.position_name(p), "pin decisions, such as the resolution"});
    }
  }
}

/// The costs at one position, for all combinations of the decisions that it depends on; the first
/// decision varies fastest.
void append_entries(const SearchSpace& space, int position, const std::vector<int>& decisions,
                    const std::function<double(const Placed&)>& cost,
                    std::vector<double>& entries) {
  std::map<std::pair<int, std::string>, double> known;  // by slot and key
  Architecture arch{std::vector<std::uint8_t>(space.decisions().size(), 0)};
  for (;;) {
    double value = 0;
    if (const auto placed = space.placed_at(arch, position)) {
      const auto [at, is_new] =
          known.emplace(std::make_pair(placed->slot, key(placed->block)), 0.0);
      if (is_new) at->second = cost(*placed);
      value = at->second;
    }
    entries.push_back(value);
    std::size_t i = 0;
    for (; i < decisions.size(); ++i) {
      const auto d = static_cast<std::size_t>(decisions[i]);
      if (++arch.genes[d] < space.decisions()[d].choices.size()) break;
      arch.genes[d] = 0;
    }
    if (i == decisions.size()) return;
  }
}

}  // namespace

AdditiveCost::AdditiveCost(const SearchSpace& space,
                           const std::function<double(const Placed&)>& cost,
                           std::size_t max_entries) {
  check_size(space, std::min(max_entries, std::size_t(UINT32_MAX)));
  auto tables = std::make_shared<Tables>();
  tables->decisions = space.decisions().size();
  tables->space = space.name();
  const auto mark = [&] {
    tables->positions.push_back({static_cast<std::uint32_t>(tables->terms.size()),
                                 static_cast<std::uint32_t>(tables->entries.size())});
  };
  for (int p = 0; p < space.positions(); ++p) {
    mark();
    const std::vector<int> decisions = space.depends_on(p);
    std::uint32_t stride = 1;
    for (const int d : decisions) {
      tables->terms.push_back({static_cast<std::uint32_t>(d), stride});
      stride *=
          static_cast<std::uint32_t>(space.decisions()[static_cast<std::size_t>(d)].choices.size());
    }
    append_entries(space, p, decisions, cost, tables->entries);
  }
  mark();
  tables_ = std::move(tables);
}

double AdditiveCost::operator()(const Architecture& arch) const {
  const Tables& t = *tables_;
  LATHE_CHECK(arch.genes.size() == t.decisions, t.space + ": an architecture of another space");
  const std::uint8_t* const genes = arch.genes.data();
  double sum = 0;
  const Tables::Term* term = t.terms.data();
  for (std::size_t p = 0; p + 1 < t.positions.size(); ++p) {
    const Tables::Term* const end = t.terms.data() + t.positions[p + 1].first_term;
    std::uint32_t entry = t.positions[p].first_entry;
    for (; term != end; ++term) entry += term->stride * genes[term->decision];
    sum += t.entries[entry];
  }
  return sum;
}

double AdditiveCost::lower_bound() const {
  double sum = 0;
  for (std::size_t p = 0; p + 1 < tables_->positions.size(); ++p) {
    const auto first = tables_->entries.begin() + tables_->positions[p].first_entry;
    const auto last = tables_->entries.begin() + tables_->positions[p + 1].first_entry;
    sum += *std::min_element(first, last);
  }
  return sum;
}

double AdditiveCost::upper_bound() const {
  double sum = 0;
  for (std::size_t p = 0; p + 1 < tables_->positions.size(); ++p) {
    const auto first = tables_->entries.begin() + tables_->positions[p].first_entry;
    const auto last = tables_->entries.begin() + tables_->positions[p + 1].first_entry;
    sum += *std::max_element(first, last);
  }
  return sum;
}

}  // namespace lathe::spaces
