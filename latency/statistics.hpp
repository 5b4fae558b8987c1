#pragma once

#include <vector>

namespace lathe::latency {

/// Quantile by linear interpolation between order statistics (type 7 of Hyndman and Fan 1996);
/// q in [0, 1]. LogicError on an empty list.
double quantile(std::vector<double> values, double q);
double median(std::vector<double> values);

/// Kendall's tau-b and Spearman's rho (ties get mean ranks), in [-1, 1]. Same length, at least 2;
/// 0 where one side is constant. O(n log n) and O(n^2).
double spearman(const std::vector<double>& a, const std::vector<double>& b);
double kendall(const std::vector<double>& a, const std::vector<double>& b);

/// Mean of |predicted - measured| / measured, a fraction. measured > 0.
double mean_absolute_percentage_error(const std::vector<double>& predicted,
                                      const std::vector<double>& measured);
/// Mean of (predicted - measured) / measured.
double mean_relative_bias(const std::vector<double>& predicted, const std::vector<double>& measured);

/// Correlation of neighbours in a series: drift over time shows as a value far from 0.
double lag1_autocorrelation(const std::vector<double>& series);

}  // namespace lathe::latency
