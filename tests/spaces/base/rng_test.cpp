#include "spaces/base/rng.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/hash.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

using namespace lathe;

namespace {

/// Moments of `n` normals, and how many lie beyond 1, 2 and 3.
struct NormalSample {
  double mean = 0, variance = 0, kurtosis = 0, beyond_1 = 0, beyond_2 = 0, beyond_3 = 0;
};

NormalSample draw_normals(int n) {
  Rng rng = Rng(5).stream("normals");
  NormalSample s;
  for (int i = 0; i < n; ++i) {
    const double x = rng.normal();
    s.mean += x / n;
    s.variance += x * x / n;
    s.kurtosis += x * x * x * x / n;
    s.beyond_1 += (std::abs(x) > 1 ? 1.0 : 0.0) / n;
    s.beyond_2 += (std::abs(x) > 2 ? 1.0 : 0.0) / n;
    s.beyond_3 += (std::abs(x) > 3 ? 1.0 : 0.0) / n;
  }
  return s;
}

}  // namespace

TEST_CASE("the seed is expanded by SplitMix64", "[base]") {
  // Published outputs for the seed 1234567.
  CHECK(Rng(1234567).state() == hex(1234567) + " " + hex(6457827717110365317u) + " " +
                                    hex(3203168211198807973u) + " " + hex(9817491932198370423u) +
                                    " " + hex(4593380528125082431u));
}

TEST_CASE("xoshiro256** gives its published values from the words 1 2 3 4", "[base]") {
  Rng rng = Rng::from_state(hex(0) + " " + hex(1) + " " + hex(2) + " " + hex(3) + " " + hex(4));
  for (const std::uint64_t expected :
       {std::uint64_t(11520), std::uint64_t(0), std::uint64_t(1509978240),
        std::uint64_t(1215971899390074240), std::uint64_t(1216172134540287360),
        std::uint64_t(607988272756665600), std::uint64_t(16172922978634559625u),
        std::uint64_t(8476171486693032832), std::uint64_t(10595114339597558777u),
        std::uint64_t(2904607092377533576)}) {
    CHECK(rng.next() == expected);
  }
}

TEST_CASE("streams follow the item and not the draws", "[base]") {
  Rng drawn(9);
  const Rng fresh(9);
  for (int i = 0; i < 10; ++i) drawn.next();
  CHECK(drawn.stream("child", 3).next() == fresh.stream("child", 3).next());
  std::set<std::uint64_t> first;
  for (const std::string name : {"a", "b", "ab", ""}) {
    for (std::uint64_t index = 0; index < 1000; ++index) {
      first.insert(fresh.stream(name, index).next());
      first.insert(fresh.stream("a").stream(name, index).next());
    }
  }
  CHECK(first.size() == 8000);
  CHECK(first.count(fresh.stream("a", 0).next()) == 1);
}

TEST_CASE("neighbouring streams are not correlated", "[base][property]") {
  const Rng root(1);
  double product = 0;
  constexpr int n = 10000;
  for (std::uint64_t i = 0; i < n; ++i) {
    const double x = root.stream("s", i).uniform() - 0.5,
                 y = root.stream("s", i + 1).uniform() - 0.5;
    product += x * y * 12 / n;
  }
  CHECK(std::abs(product) < 0.04);  // four standard errors of 1/sqrt(n)
}

TEST_CASE("below is in range and even", "[base][property]") {
  Rng rng(2);
  std::vector<int> counts(7);
  for (int i = 0; i < 70000; ++i) ++counts.at(static_cast<std::size_t>(rng.below(7)));
  for (const int count : counts) CHECK(std::abs(count - 10000) < 400);  // above four sigma of 93
  CHECK(rng.below(1) == 0);
  const std::uint64_t large = (std::uint64_t(1) << 63) + 1;
  for (int i = 0; i < 1000; ++i) CHECK(rng.below64(large) < large);
  CHECK_THROWS_WITH(rng.below(0), ContainsSubstring("a number below 0 was asked for"));
  CHECK_THROWS_AS(rng.below(-3), LogicError);
  CHECK_THROWS_AS(rng.below64(0), LogicError);
}

TEST_CASE("uniform is in [0, 1) with mean 1/2 and variance 1/12", "[base][property]") {
  Rng rng(3);
  double sum = 0, squares = 0;
  constexpr int n = 100000;
  for (int i = 0; i < n; ++i) {
    const double x = rng.uniform();
    if (!(x >= 0 && x < 1)) FAIL("drew " << x);
    sum += x;
    squares += (x - 0.5) * (x - 0.5);
  }
  CHECK(sum / n == Approx(0.5).margin(0.004));
  CHECK(squares / n == Approx(1 / 12.0).margin(0.001));
  Rng sure(4);
  CHECK(sure.chance(1));
  CHECK_FALSE(sure.chance(0));
}

TEST_CASE("normal has the moments and tails of the standard normal", "[base][property]") {
  const NormalSample s = draw_normals(200000);  // margins are four standard errors
  CHECK(s.mean == Approx(0).margin(0.009));
  CHECK(s.variance == Approx(1).margin(0.013));
  CHECK(s.kurtosis == Approx(3).margin(0.09));
  CHECK(s.beyond_1 == Approx(0.317311).margin(0.0042));
  CHECK(s.beyond_2 == Approx(0.045500).margin(0.0019));
  CHECK(s.beyond_3 == Approx(0.0026998).margin(0.00047));
}

TEST_CASE("a seed's normals are the same bits everywhere", "[base]") {
  Rng rng(42);
  CHECK(rng.normal() == -0x1.5c2ea66473c93p-1);
  CHECK(rng.normal() == -0x1.98914dbd6b56p-2);
  CHECK(rng.normal() == -0x1.3ed6a3a61aa05p-1);
}

TEST_CASE("shuffle keeps the items and reaches every order", "[base][property]") {
  std::set<std::vector<int>> orders;
  for (std::uint64_t sample = 0; sample < 1000; ++sample) {
    Rng rng = Rng(6).stream("shuffle", sample);
    std::vector<int> items{0, 1, 2, 3};
    rng.shuffle(items);
    orders.insert(items);
    std::sort(items.begin(), items.end());
    CHECK(items == std::vector<int>{0, 1, 2, 3});
  }
  CHECK(orders.size() == 24);
  std::vector<int> none;
  Rng(1).shuffle(none);
  CHECK(none.empty());
}

TEST_CASE("a state reads back and goes on with the same numbers", "[base][property]") {
  for (std::uint64_t sample = 0; sample < 1000; ++sample) {
    Rng rng = Rng(8).stream("state", sample);
    for (std::uint64_t skipped = 0; skipped < sample % 7; ++skipped) rng.next();
    Rng restored = Rng::from_state(rng.state());
    CHECK(restored.stream("x").next() == rng.stream("x").next());
    CHECK(restored.next() == rng.next());
    CHECK(restored.normal() == rng.normal());
  }
}

TEST_CASE("a broken state is refused", "[base]") {
  const std::string good = Rng(1).state();
  std::string zeros = hex(1);
  for (int i = 0; i < 4; ++i) zeros += " " + hex(0);
  std::string upper = good, spaced = good, joined = good;
  upper[0] = 'A';
  spaced[3] = ' ';
  joined[16] = '0';
  for (const std::string& bad :
       {std::string(), good + "0", good.substr(1), zeros, upper, spaced, joined}) {
    INFO(bad);
    CHECK_THROWS_AS(Rng::from_state(bad), FormatError);
    CHECK_THROWS_WITH(
        Rng::from_state(bad),
        ContainsSubstring("random state: expected five words of 16 hexadecimal digits"));
  }
}
