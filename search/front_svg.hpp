#pragma once

#include "search/search_loop.hpp"

#include <optional>
#include <string>
#include <vector>

namespace lathe::search {

/// A picture of a front with two axes, as data.
struct FrontPlot {
  struct Point {
    double x = 0, y = 0;
  };
  std::string title, x_label, y_label;  ///< labels with units
  std::vector<Point> evaluated;
  std::vector<Point> front;  ///< by x, ascending
  std::optional<Point> chosen;
  std::optional<double> budget;  ///< of x
};

/// A complete SVG text, 720 x 480, without scripts or outside files; the same bytes for the same
/// data. Throws LogicError on values that are not finite.
std::string front_svg(const FrontPlot& plot);

/// The error over the first cost among the objectives (nullopt if there is none); bytes are shown
/// in MiB, counts in millions. `chosen`: index of an evaluated network, or -1.
std::optional<FrontPlot> plot_of(const SearchResult& result, const Feasibility& feasibility,
                                 const std::vector<std::string>& objectives, int chosen);

}  // namespace lathe::search
