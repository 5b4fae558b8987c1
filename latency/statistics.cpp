#include "latency/statistics.hpp"

#include "spaces/base/error.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <string>

namespace lathe::latency {
namespace {

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

void check_pairs(const std::vector<double>& a, const std::vector<double>& b) {
  LATHE_CHECK(a.size() == b.size(), "lists of " + std::to_string(a.size()) + " and " +
                                        std::to_string(b.size()) + " values cannot be paired");
}

/// Ranks from 1; tied values share the mean of their ranks.
std::vector<double> mean_ranks(const std::vector<double>& values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t(0));
  std::sort(order.begin(), order.end(),
            [&](std::size_t i, std::size_t j) { return values[i] < values[j]; });
  std::vector<double> ranks(values.size());
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin + 1;
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    for (std::size_t i = begin; i < end; ++i) {
      ranks[order[i]] = 0.5 * static_cast<double>(begin + 1 + end);
    }
    begin = end;
  }
  return ranks;
}

double pearson(const std::vector<double>& a, const std::vector<double>& b) {
  const double mean_a = mean(a), mean_b = mean(b);
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += (a[i] - mean_a) * (b[i] - mean_b);
    aa += (a[i] - mean_a) * (a[i] - mean_a);
    bb += (b[i] - mean_b) * (b[i] - mean_b);
  }
  return aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) : 0;
}

/// (predicted - measured) / measured of each pair.
std::vector<double> relative_errors(const std::vector<double>& predicted,
                                    const std::vector<double>& measured) {
  check_pairs(predicted, measured);
  std::vector<double> errors(measured.size());
  for (std::size_t i = 0; i < measured.size(); ++i) {
    LATHE_CHECK(measured[i] > 0, "measured value " + std::to_string(i) + " is not positive");
    errors[i] = (predicted[i] - measured[i]) / measured[i];
  }
  return errors;
}

}  // namespace

double quantile(std::vector<double> values, double q) {
  LATHE_CHECK(!values.empty(), "a quantile of no values");
  LATHE_CHECK(q >= 0 && q <= 1, "quantile " + std::to_string(q) + " is outside [0, 1]");
  std::sort(values.begin(), values.end());
  const double place = q * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  if (below + 1 >= values.size()) return values.back();
  return values[below] + (place - static_cast<double>(below)) * (values[below + 1] - values[below]);
}

double median(std::vector<double> values) { return quantile(std::move(values), 0.5); }

double interquartile_range(const std::vector<double>& values) {
  return quantile(values, 0.75) - quantile(values, 0.25);
}

double spearman(const std::vector<double>& a, const std::vector<double>& b) {
  check_pairs(a, b);
  return a.size() < 2 ? 0 : pearson(mean_ranks(a), mean_ranks(b));
}

double kendall(const std::vector<double>& a, const std::vector<double>& b) {
  check_pairs(a, b);
  double score = 0, untied_a = 0, untied_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = i + 1; j < a.size(); ++j) {
      const int sign_a = (a[i] > a[j]) - (a[i] < a[j]);
      const int sign_b = (b[i] > b[j]) - (b[i] < b[j]);
      score += sign_a * sign_b;
      untied_a += sign_a != 0;
      untied_b += sign_b != 0;
    }
  }
  return untied_a > 0 && untied_b > 0 ? score / std::sqrt(untied_a * untied_b) : 0;
}

double mean_absolute_percentage_error(const std::vector<double>& predicted,
                                      const std::vector<double>& measured) {
  std::vector<double> errors = relative_errors(predicted, measured);
  for (double& error : errors) error = std::fabs(error);
  return errors.empty() ? 0 : mean(errors);
}

double mean_relative_bias(const std::vector<double>& predicted,
                          const std::vector<double>& measured) {
  const std::vector<double> errors = relative_errors(predicted, measured);
  return errors.empty() ? 0 : mean(errors);
}

double lag1_autocorrelation(const std::vector<double>& series) {
  if (series.size() < 3) return 0;
  const double middle = mean(series);
  double neighbours = 0, all = 0;
  for (std::size_t i = 0; i < series.size(); ++i) {
    const double here = series[i] - middle;
    all += here * here;
    if (i + 1 < series.size()) neighbours += here * (series[i + 1] - middle);
  }
  return all > 0 ? neighbours / all : 0;
}

}  // namespace lathe::latency
