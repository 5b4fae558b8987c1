#pragma once

#include <vector>

namespace lathe::latency {

/// Quantile by linear interpolation between order statistics (type 7 of Hyndman and Fan 1996);
/// q in [0, 1]. LogicError on an empty list.
double quantile(std::vector<double> values, double q);
double median(std::vector<double> values);
/// Interquartile range: quantile 0.75 less quantile 0.25.
double interquartile_range(const std::vector<double>& values);

/// Spearman's rho (ties get mean ranks; O(n log n)) and Kendall's tau-b (O(n^2)), in [-1, 1]. Same
/// length (LogicError otherwise); 0 where one side is constant or there are fewer than 2 pairs.
double spearman(const std::vector<double>& a, const std::vector<double>& b);
double kendall(const std::vector<double>& a, const std::vector<double>& b);

/// Mean of |predicted - measured| / measured, a fraction. measured > 0; 0 for empty lists.
double mean_absolute_percentage_error(const std::vector<double>& predicted,
                                      const std::vector<double>& measured);
/// Mean of (predicted - measured) / measured. measured > 0; 0 for empty lists.
double mean_relative_bias(const std::vector<double>& predicted,
                          const std::vector<double>& measured);

/// Correlation of neighbours in a series, sum (x_i - m)(x_i+1 - m) / sum (x_i - m)^2: drift over
/// time shows as a value far from 0. 0 for fewer than 3 values or a constant series.
double lag1_autocorrelation(const std::vector<double>& series);

}  // namespace lathe::latency
