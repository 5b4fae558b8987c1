#include "spaces/base/error.hpp"

#include <algorithm>
#include <array>

namespace lathe {
namespace {

constexpr std::size_t kQuotedBytes = 80;

/// Bytes of the UTF-8 character that `rest` begins with; 0 if it begins with none. Overlong forms
/// and surrogates count as none.
std::size_t character_length(std::string_view rest) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(rest[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xC2 && lead < 0xE0   ? 2
                             : lead >= 0xE0 && lead < 0xF0 ? 3
                             : lead >= 0xF0 && lead < 0xF5 ? 4
                                                           : 0;
  if (length == 0 || rest.size() < length) return 0;
  const unsigned char least = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned char most = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (byte(1) < least || byte(1) > most) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  return length;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        cost[i][j] = i + j;
        continue;
      }
      const std::size_t substitute = cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, substitute});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
      }
    }
  }
  return cost[a.size()][b.size()];
}

/// Moves the next character of `from` to the end of `to`; what cannot be printed as \\xNN.
void move_printable(std::string_view& from, std::string& to) {
  constexpr std::array<char, 17> digits{"0123456789abcdef"};
  const std::size_t length = character_length(from);
  const auto byte = static_cast<unsigned char>(from[0]);
  if (length == 0 || byte < 0x20 || byte == 0x7F) {
    to += {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
  } else {
    to += from.substr(0, length);
  }
  from.remove_prefix(std::max<std::size_t>(length, 1));
}

}  // namespace

std::string text(const Problem& problem) {
  std::string line = problem.where + ": expected " + problem.expected + ", got " + problem.found;
  if (!problem.remedy.empty()) line += "; " + problem.remedy;
  std::string printable;
  for (std::string_view rest = line; !rest.empty();) move_printable(rest, printable);
  return printable;
}

std::string quote(std::string_view word) {
  std::string result = "\"";
  while (!word.empty()) {
    move_printable(word, result);
    if (result.size() > kQuotedBytes && !word.empty()) return result + "...\"";
  }
  return result + "\"";
}

std::string nearest_word(std::string_view word, const std::vector<std::string>& known) {
  std::size_t limit = std::max<std::size_t>(1, word.size() / 3);
  std::string nearest;
  for (const std::string& candidate : known) {
    // Words whose lengths alone differ by more cannot be near, and may be long.
    const std::size_t longer = std::max(word.size(), candidate.size());
    if (longer - std::min(word.size(), candidate.size()) > limit) continue;
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < limit || (distance == limit && nearest.empty())) {
      limit = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

namespace detail {

void check_failed(const char* condition, const char* file, int line, const std::string& message) {
  throw LogicError(std::string(file) + ":" + std::to_string(line) + ": " + message +
                   " (not: " + condition + "); this is a bug of lathe");
}

}  // namespace detail
}  // namespace lathe
