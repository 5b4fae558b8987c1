#include "latency/statistics.hpp"

#include "spaces/base/error.hpp"
#include "tests/support/catch.hpp"

using namespace lathe::latency;
using Numbers = std::vector<double>;

TEST_CASE("quantiles interpolate between order statistics", "[latency][statistics]") {
  // Type 7 of Hyndman and Fan on 1, 2, 3, 4: places 0.75 and 1.5.
  CHECK(quantile({4, 1, 3, 2}, 0.25) == Approx(1.75));
  CHECK(quantile({4, 1, 3, 2}, 0.5) == Approx(2.5));
  CHECK(quantile({4, 1, 3, 2}, 0) == 1);
  CHECK(quantile({4, 1, 3, 2}, 1) == 4);
  CHECK(median({7}) == 7);
  CHECK(median({3, 1, 2}) == 2);
  CHECK(interquartile_range({1, 2, 3, 4}) == Approx(1.5));
  CHECK_THROWS_WITH(median({}), ContainsSubstring("a quantile of no values"));
  CHECK_THROWS_WITH(quantile({1}, 1.5), ContainsSubstring("1.500000 is outside [0, 1]"));
}

TEST_CASE("rank correlations have their worked values", "[latency][statistics]") {
  const Numbers a = {1, 2, 3, 4, 5};
  CHECK(spearman(a, {10, 20, 30, 40, 50}) == Approx(1));
  CHECK(spearman(a, {5, 4, 3, 2, 1}) == Approx(-1));
  // One swap of neighbours: 1 - 6 * 2 / (5 * 24) and 1 - 2 * 1 / 10.
  CHECK(spearman(a, {2, 1, 3, 4, 5}) == Approx(0.9));
  CHECK(kendall(a, {2, 1, 3, 4, 5}) == Approx(0.8));
  CHECK(kendall(a, {5, 4, 3, 2, 1}) == Approx(-1));
}

TEST_CASE("ties share ranks and leave tau-b", "[latency][statistics]") {
  // Ranks 1.5, 1.5, 3 against 1, 2, 3: covariance 1.5 over sqrt(1.5 * 2).
  CHECK(spearman({1, 1, 2}, {1, 2, 3}) == Approx(1.5 / std::sqrt(3.0)));
  // Two concordant pairs, one tied on the left: 2 / sqrt(2 * 3).
  CHECK(kendall({1, 1, 2}, {1, 2, 3}) == Approx(2 / std::sqrt(6.0)));
  CHECK(spearman({1, 1, 1}, {1, 2, 3}) == 0);
  CHECK(kendall({1, 1, 1}, {1, 2, 3}) == 0);
}

TEST_CASE("statistics of no or one pair are 0", "[latency][statistics]") {
  CHECK(spearman({}, {}) == 0);
  CHECK(kendall({}, {}) == 0);
  CHECK(spearman({1}, {2}) == 0);
  CHECK(kendall({1}, {2}) == 0);
  CHECK(mean_absolute_percentage_error({}, {}) == 0);
  CHECK(lag1_autocorrelation({}) == 0);
  CHECK(lag1_autocorrelation({1, 2}) == 0);
  CHECK_THROWS_WITH(spearman({1}, {}), ContainsSubstring("lists of 1 and 0 values"));
}

TEST_CASE("relative errors are against the measured value", "[latency][statistics]") {
  const Numbers predicted = {11, 18}, measured = {10, 20};
  CHECK(mean_absolute_percentage_error(predicted, measured) == Approx(0.1));
  CHECK(mean_relative_bias(predicted, measured) == Approx(0).margin(1e-15));
  CHECK(mean_relative_bias({11, 22}, measured) == Approx(0.1));
  CHECK_THROWS_WITH(mean_relative_bias({1}, {0}), ContainsSubstring("is not positive"));
}

TEST_CASE("drift shows in the lag-1 autocorrelation", "[latency][statistics]") {
  // Mean 2.5; products of neighbours 0.75 - 0.25 + 0.75 over 5.
  CHECK(lag1_autocorrelation({1, 2, 3, 4}) == Approx(0.25));
  CHECK(lag1_autocorrelation({1, -1, 1, -1, 1, -1}) == Approx(-5.0 / 6));
  CHECK(lag1_autocorrelation({2, 2, 2}) == 0);
}
