#pragma once

#include <string>
#include <utility>
#include <vector>

namespace lathe::cli {

/// One line of a chart; points by x, ascending, all finite.
struct Series {
  std::string name;
  std::vector<std::pair<double, double>> points;
};
struct LineChart {
  std::string title, x_label, y_label;
  std::vector<Series> series;                         ///< at most 6, each in a colour of its own
  std::vector<std::pair<double, std::string>> marks;  ///< where on x something begins, and what
};

/// A complete SVG text, 720 x 360, without scripts or outside files; the same bytes for the same
/// chart. LogicError if no series has a point.
std::string line_chart_svg(const LineChart& chart);

/// `text` with &, <, > and " as entities, for SVG and HTML.
std::string escaped(const std::string& text);

}  // namespace lathe::cli
