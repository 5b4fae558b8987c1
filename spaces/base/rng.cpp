#include "spaces/base/rng.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/hash.hpp"

namespace lathe {
namespace {

constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15;  // 2^64 / golden ratio: SplitMix64's step

/// SplitMix64's output function.
std::uint64_t mix(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

std::uint64_t absorb(std::uint64_t key, std::uint64_t word) { return mix((key ^ word) + kGolden); }

std::uint64_t rotate_left(std::uint64_t x, int by) { return (x << by) | (x >> (64 - by)); }

constexpr std::size_t kStateWords = 5, kWordDigits = 16;

}  // namespace

Rng::Rng(std::uint64_t seed) : key_(seed) {
  std::uint64_t position = seed;
  for (std::uint64_t& word : words_) word = mix(position += kGolden);
}

Rng Rng::stream(std::string_view name, std::uint64_t index) const {
  return Rng(absorb(absorb(mix(key_ + kGolden), fingerprint_of(name)), index));
}

std::uint64_t Rng::next() {
  const std::uint64_t result = rotate_left(words_[1] * 5, 7) * 9;
  const std::uint64_t shifted = words_[1] << 17;
  words_[2] ^= words_[0];
  words_[3] ^= words_[1];
  words_[1] ^= words_[2];
  words_[0] ^= words_[3];
  words_[2] ^= shifted;
  words_[3] = rotate_left(words_[3], 45);
  return result;
}

std::uint64_t Rng::below64(std::uint64_t n) {
  LATHE_CHECK(n > 0, "a number below 0 was asked for");
  // The lowest 2^64 mod n values would make some remainders likelier.
  const std::uint64_t refused = (0 - n) % n;
  std::uint64_t drawn = next();
  while (drawn < refused) drawn = next();
  return drawn % n;
}

int Rng::below(int n) {
  LATHE_CHECK(n > 0, "a number below " + std::to_string(n) + " was asked for");
  return static_cast<int>(below64(static_cast<std::uint64_t>(n)));
}

double Rng::uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }

// The run g > u1 > u2 > ... has length n with probability g^n/n! - g^(n+1)/(n+1)!, and those of the
// even n sum to exp(-g) (von Neumann 1951).
bool Rng::chance_of_exp(double g) {
  bool even = true;
  double last = g;
  double drawn = uniform();
  while (drawn < last) {
    last = drawn;
    drawn = uniform();
    even = !even;
  }
  return even;
}

double Rng::normal() {
  while (true) {
    // The whole part k has probability proportional to exp(-k/2) exp(-k(k-1)/2) = exp(-k^2/2).
    int k = 0;
    while (chance_of_exp(0.5)) ++k;
    bool accepted = true;
    for (int i = 0; accepted && i < k * (k - 1); ++i) accepted = chance_of_exp(0.5);
    if (!accepted) continue;
    // The fraction x: exp(-x(2k+x)/2), in k+1 factors whose exponents are below 1.
    const double x = uniform();
    const double g = x * (2.0 * k + x) / (2.0 * k + 2.0);
    for (int i = 0; accepted && i <= k; ++i) accepted = chance_of_exp(g);
    if (accepted) return (next() >> 63) != 0 ? -(k + x) : k + x;
  }
}

std::string Rng::state() const {
  std::string result = hex(key_);
  for (const std::uint64_t word : words_) result += " " + hex(word);
  return result;
}

Rng Rng::from_state(const std::string& state) {
  const auto refuse = [&]() {
    throw FormatError({"random state",
                       "five words of 16 hexadecimal digits, not all of the last four 0",
                       quote(state), ""});
  };
  if (state.size() != kStateWords * (kWordDigits + 1) - 1) refuse();
  std::array<std::uint64_t, kStateWords> words{};
  for (std::size_t i = 0; i < state.size(); ++i) {
    const char c = state[i];
    if (i % (kWordDigits + 1) == kWordDigits) {
      if (c != ' ') refuse();
      continue;
    }
    const bool digit = c >= '0' && c <= '9', letter = c >= 'a' && c <= 'f';
    if (!digit && !letter) refuse();
    std::uint64_t& word = words[i / (kWordDigits + 1)];
    word = word * 16 + static_cast<std::uint64_t>(digit ? c - '0' : c - 'a' + 10);
  }
  Rng rng;
  rng.key_ = words[0];
  rng.words_ = {words[1], words[2], words[3], words[4]};
  // All zeros is the one position that xoshiro never leaves.
  if (rng.words_ == std::array<std::uint64_t, 4>{}) refuse();
  return rng;
}

}  // namespace lathe
