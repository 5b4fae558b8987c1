#include "spaces/base/units.hpp"

#include "spaces/base/error.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <optional>
#include <utility>

namespace lathe {
namespace {

struct DurationUnit {
  std::string_view name;
  double micros;
};
constexpr std::array<DurationUnit, 5> kDurationUnits{
    {{"us", 1}, {"ms", 1e3}, {"s", 1e6}, {"min", 6e7}, {"h", 3.6e9}}};

struct Suffix {
  std::string_view name;
  std::int64_t factor;
};
constexpr std::array<Suffix, 4> kCountSuffixes{
    {{"", 1}, {"k", 1000}, {"M", 1000000}, {"G", 1000000000}}};
constexpr std::array<Suffix, 8> kByteSuffixes{{{"B", 1},
                                               {"kB", 1000},
                                               {"MB", 1000000},
                                               {"GB", 1000000000},
                                               {"KiB", std::int64_t(1) << 10},
                                               {"MiB", std::int64_t(1) << 20},
                                               {"GiB", std::int64_t(1) << 30},
                                               {"TiB", std::int64_t(1) << 40}}};

/// How many digits `word` begins with.
std::size_t digits_at(std::string_view word) {
  const std::size_t end = word.find_first_not_of("0123456789");
  return end == std::string_view::npos ? word.size() : end;
}

/// Splits "1.5e3 ms" into number and unit; the number is empty if the word does not begin with a
/// plain decimal one.
std::pair<std::string_view, std::string_view> split_number(std::string_view word, bool exponents) {
  std::size_t end = digits_at(word);
  if (end == 0) return {{}, word};
  if (end < word.size() && word[end] == '.') {
    const std::size_t decimals = digits_at(word.substr(end + 1));
    if (decimals == 0) return {{}, word};
    end += 1 + decimals;
  }
  if (exponents && end < word.size() && (word[end] == 'e' || word[end] == 'E')) {
    const std::size_t sign =
        end + 1 < word.size() && (word[end + 1] == '-' || word[end + 1] == '+');
    const std::size_t digits = digits_at(word.substr(std::min(word.size(), end + 1 + sign)));
    if (digits > 0) end += 1 + sign + digits;
  }
  const std::string_view number = word.substr(0, end);
  while (end < word.size() && word[end] == ' ') ++end;
  return {number, word.substr(end)};
}

std::optional<Micros> find_duration(std::string_view word) {
  const auto [number, name] = split_number(word, true);
  if (number.empty()) return std::nullopt;
  for (const DurationUnit& unit : kDurationUnits) {
    if (unit.name != name) continue;
    const double micros = std::strtod(std::string(number).c_str(), nullptr) * unit.micros;
    if (std::isfinite(micros)) return Micros(micros);
  }
  return std::nullopt;
}

/// `number`, plain decimal, times `factor`, where that is a whole number that an int64 holds:
/// exact, not through double.
std::optional<std::int64_t> whole_product(std::string_view number, std::int64_t factor) {
  const std::size_t point = std::min(number.find('.'), number.size());
  std::string digits(number.substr(0, point));
  std::int64_t divisor = 1;
  if (point < number.size()) {
    std::string_view decimals = number.substr(point + 1);
    while (!decimals.empty() && decimals.back() == '0') decimals.remove_suffix(1);
    digits += decimals;
    for (std::size_t i = 0; i < decimals.size(); ++i) {
      if (__builtin_mul_overflow(divisor, 10, &divisor)) return std::nullopt;
    }
  }
  std::int64_t mantissa = 0;
  for (const char digit : digits) {
    if (__builtin_mul_overflow(mantissa, 10, &mantissa) ||
        __builtin_add_overflow(mantissa, digit - '0', &mantissa)) {
      return std::nullopt;
    }
  }
  const std::int64_t common = std::gcd(factor, divisor);
  if (mantissa % (divisor / common) != 0) return std::nullopt;
  std::int64_t result = mantissa / (divisor / common);
  if (__builtin_mul_overflow(result, factor / common, &result)) return std::nullopt;
  return result;
}

template <std::size_t n>
std::int64_t parse_whole(std::string_view word, const std::array<Suffix, n>& suffixes,
                         const std::string& where, const std::string& expected) {
  const auto [number, name] = split_number(word, false);
  for (const Suffix& suffix : suffixes) {
    if (number.empty() || suffix.name != name) continue;
    if (const auto whole = whole_product(number, suffix.factor)) return *whole;
  }
  throw ConfigError({where, expected, quote(word), ""});
}

/// Three significant digits of a number below 1000, or the first such unit up.
template <std::size_t n>
std::string three_digits(double value, const std::array<const char*, n>& units, double step) {
  std::size_t unit = 0;
  // 999.5 would be printed as 1000.
  while (unit + 1 < n && std::abs(value) >= 999.5) {
    value /= step;
    ++unit;
  }
  const double size = std::abs(value);
  const int decimals = value == 0 || size >= 99.95 ? 0 : size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3;
  std::array<char, 400> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.*f", decimals, value);
  return std::string(buffer.data()) + units[unit];
}

/// The least digits that strtod reads back as `value`, without an exponent where 17 digits can do
/// without one.
std::string shortest(double value) {
  std::string exact;
  for (int digits = 1; digits <= 17; ++digits) {
    std::array<char, 40> buffer{};
    std::snprintf(buffer.data(), buffer.size(), "%.*g", digits, value);
    const std::string word = buffer.data();
    if (std::strtod(word.c_str(), nullptr) != value) continue;
    if (word.find('e') == std::string::npos) return word;
    if (exact.empty()) exact = word;
  }
  return exact;
}

}  // namespace

Micros parse_duration(std::string_view word, const std::string& where) {
  if (const auto duration = find_duration(word)) return *duration;
  throw ConfigError(
      {where, "a duration with its unit (us, ms, s, min, h), such as \"20ms\"", quote(word), ""});
}

std::int64_t parse_count(std::string_view word, const std::string& where) {
  return parse_whole(word, kCountSuffixes, where,
                     "a whole number, also with k, M or G, such as \"300M\"");
}

std::int64_t parse_bytes(std::string_view word, const std::string& where) {
  return parse_whole(word, kByteSuffixes, where,
                     "a number of bytes with its unit (B, KiB, MiB, GiB, kB, MB, GB), such as "
                     "\"4MiB\"");
}

std::string duration_word(Micros duration) {
  LATHE_CHECK(std::isfinite(duration.count()) && duration.count() >= 0,
              "a duration that is written is finite and not negative");
  std::string best;
  bool best_fraction = true;  // "0.02s" is shorter to say as "20ms"
  for (const DurationUnit& unit : kDurationUnits) {
    const double number = duration.count() / unit.micros;
    const std::string word = shortest(number) + std::string(unit.name);
    const bool fraction = number != 0 && number < 1;
    if (find_duration(word) != duration || (fraction && !best_fraction)) continue;
    if (fraction == best_fraction && !best.empty() && word.size() >= best.size()) continue;
    best = word;
    best_fraction = fraction;
  }
  return best;
}

std::string text(Micros duration) {
  return three_digits(duration.count(), std::array{" us", " ms", " s"}, 1000);
}

std::string text_count(double count) {
  const bool whole = std::abs(count) < 1000 && count == std::floor(count);
  if (whole) return std::to_string(static_cast<int>(count));
  return three_digits(count, std::array{"", " k", " M", " G", " T"}, 1000);
}

std::string text_bytes(std::int64_t bytes) {
  if (std::abs(bytes) < 1000) return std::to_string(bytes) + " B";
  return three_digits(static_cast<double>(bytes), std::array{" B", " KiB", " MiB", " GiB", " TiB"},
                      1024);
}

std::string text_rough(Micros duration) {
  const double rounded = std::round(std::max(duration.count() * 1e-6, 0.0));
  if (!(rounded < 1e9)) return "unknown";
  const auto seconds = static_cast<std::int64_t>(rounded);
  std::array<char, 60> buffer{};
  const auto print = [&](const char* format, auto... numbers) {
    std::snprintf(buffer.data(), buffer.size(), format, numbers...);
    return std::string(buffer.data());
  };
  const auto minutes = static_cast<long>(seconds / 60), rest = static_cast<long>(seconds % 60);
  if (minutes == 0) return print("%ld s", rest);
  if (minutes < 60) return print("%ld min %02ld s", minutes, rest);
  return print("%ld h %02ld min", minutes / 60, minutes % 60);
}

}  // namespace lathe
