#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lathe {

/// A splittable generator with our own distributions, so that the same seed gives the same numbers
/// on every standard library and phone. xoshiro256** (Blackman and Vigna 2021), seeded through
/// SplitMix64 (Steele et al. 2014); streams are derived by hashing the parent's key, a name and an
/// index, so they follow the item and never the thread. Not thread-safe; copy or derive instead.
class Rng {
 public:
  /// The seed is the key; the position is SplitMix64's first four numbers from it.
  explicit Rng(std::uint64_t seed);

  /// An independent generator; depends on this one's key (not on how many numbers were drawn).
  Rng stream(std::string_view name, std::uint64_t index = 0) const;

  /// The next 64 bits.
  std::uint64_t next();
  /// Uniform in [0, n), without modulo bias; n > 0.
  int below(int n);
  /// The same for 64 bits.
  std::uint64_t below64(std::uint64_t n);
  /// Uniform in [0, 1), 53 bits.
  double uniform();
  /// Standard normal by Karney's algorithm N ("Sampling exactly from the normal distribution", ACM
  /// TOMS 42, 2016): only uniforms, + * / and comparisons, so every correctly rounding machine
  /// gives the same bits. Exact but for the 53 bits of its uniforms; about 12 draws a value.
  double normal();
  /// True with this probability.
  bool chance(double probability) { return uniform() < probability; }

  /// Fisher-Yates, in place.
  template <typename T>
  void shuffle(std::vector<T>& items) {
    for (std::size_t i = items.size(); i > 1; --i) {
      std::swap(items[i - 1], items[below64(i)]);
    }
  }

  /// Key and position as hexadecimal words, for checkpoints; restored exactly by from_state.
  std::string state() const;
  /// Throws FormatError if the text is not one that state() gives.
  static Rng from_state(const std::string& state);

 private:
  Rng() = default;
  /// True with probability exp(-g), g in [0, 1].
  bool chance_of_exp(double g);
  std::uint64_t key_ = 0;
  std::array<std::uint64_t, 4> words_{};
};

}  // namespace lathe
