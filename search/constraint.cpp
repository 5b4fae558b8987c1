#include "search/constraint.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/units.hpp"

#include <array>
#include <cmath>
#include <cstdio>
#include <utility>

namespace lathe::search {
namespace {

constexpr std::array<std::pair<const char*, Quantity>, 6> kNames{{{"error", Quantity::error},
                                                                  {"latency", Quantity::latency},
                                                                  {"macs", Quantity::macs},
                                                                  {"params", Quantity::params},
                                                                  {"memory", Quantity::memory},
                                                                  {"size", Quantity::size}}};

Quantity quantity_of(const std::string& name) { return parse_quantity(name, name).quantity; }

}  // namespace

QuantityName parse_quantity(const std::string& name, const std::string& where) {
  const std::string prefix = "latency.";
  if (name.rfind(prefix, 0) == 0 && name.size() > prefix.size()) {
    return {Quantity::latency, name.substr(prefix.size())};
  }
  std::vector<std::string> known;
  for (const auto& [word, quantity] : kNames) {
    if (name == word) return {quantity, ""};
    known.push_back(word);
  }
  const std::string near = nearest_word(name, known);
  throw ConfigError({where, "one of error, latency, latency.NAME, macs, params, memory, size",
                     '"' + name + '"', near.empty() ? "" : "did you mean \"" + near + "\"?"});
}

std::string unit_of(const std::string& name) {
  switch (quantity_of(name)) {
    case Quantity::latency:
      return "ms";
    case Quantity::memory:
    case Quantity::size:
      return "bytes";
    default:
      return "";
  }
}

std::string text_of(const std::string& name, double value) {
  switch (quantity_of(name)) {
    case Quantity::latency:
      return text(Micros(Millis(value)));
    case Quantity::macs:
    case Quantity::params:
      return text_count(value);
    case Quantity::memory:
    case Quantity::size:
      return text_bytes(std::llround(value));
    case Quantity::error:
      break;
  }
  std::array<char, 32> digits{};
  std::snprintf(digits.data(), digits.size(), "%.4f", value);
  return digits.data();
}

std::string range_text(const std::string& name, double least, double most) {
  std::string low = text_of(name, least), high = text_of(name, most);
  const auto space_low = low.find(' '), space_high = high.find(' ');
  if (space_low != std::string::npos && space_high != std::string::npos &&
      low.substr(space_low) == high.substr(space_high)) {
    low.resize(space_low);
  }
  return low + "-" + high;
}

Constraint parse_constraint(const std::string& name, const std::string& word,
                            const std::string& where) {
  const Quantity quantity = parse_quantity(name, where).quantity;
  if (quantity == Quantity::error) {
    throw ConfigError({where, "a bound of latency, latency.NAME, macs, params, memory or size",
                       "a bound of the error, which only evaluating tells",
                       "make error an objective"});
  }
  if (word == "middle") return {name, std::nullopt};
  double bound = 0;
  if (quantity == Quantity::latency) {
    bound = Millis(parse_duration(word, where)).count();
  } else if (quantity == Quantity::memory || quantity == Quantity::size) {
    bound = static_cast<double>(parse_bytes(word, where));
  } else {
    bound = static_cast<double>(parse_count(word, where));
  }
  if (!(bound > 0)) throw ConfigError({where, "a bound above zero", '"' + word + '"', ""});
  return {name, bound};
}

}  // namespace lathe::search
