#include "spaces/base/error.hpp"
#include "spaces/space_data.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace lathe::spaces {

double rounded(Rounding rule, double value) {
  if (rule == Rounding::truncate) return std::max(1.0, std::floor(value));
  if (rule == Rounding::round_half_up) return std::max(8.0, std::floor(value / 8 + 0.5) * 8);
  if (rule == Rounding::make_divisible_of_rounded) value = std::nearbyint(value);
  const double whole = std::max(8.0, std::floor((value + 4) / 8) * 8);
  return whole < 0.9 * value ? whole + 8 : whole;
}

bool is_allowed(Role role, double value) {
  const bool whole = value == std::floor(value);
  const bool odd = whole && std::fmod(value, 2) == 1;
  switch (role) {
    case Role::width:
      return value > 0 && std::isfinite(value);
    case Role::resolution:
      return whole && value >= 8 && value <= 4096;
    case Role::depth:
      return whole && value >= 1 && value <= 64;
    case Role::kernel:
      return odd && value >= 1 && value <= 31;
    case Role::optional_kernel:
      return value == 0 || (odd && value >= 1 && value <= 31);
    case Role::ratio:
      return value > 0 && value <= 64;
    case Role::flag:
      return value == 0 || value == 1;
    case Role::channels:
      return whole && value >= 1 && value <= 32768;
  }
  throw LogicError("unknown role of a number");
}

std::string expected(Role role) {
  switch (role) {
    case Role::width:
      return "a positive number";
    case Role::resolution:
      return "an integer in [8, 4096]";
    case Role::depth:
      return "an integer in [1, 64]";
    case Role::kernel:
      return "an odd integer in [1, 31]";
    case Role::optional_kernel:
      return "0 or an odd integer in [1, 31]";
    case Role::ratio:
      return "a number above 0 and up to 64";
    case Role::flag:
      return "true or false";
    case Role::channels:
      return "an integer in [1, 32768]";
  }
  throw LogicError("unknown role of a number");
}

std::string number_text(double value) {
  char digits[64];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  return std::string(digits, end);
}

std::optional<double> parse_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
    return std::nullopt;
  }
  return value;
}

}  // namespace lathe::spaces
