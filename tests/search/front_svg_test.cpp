#include "search/front_svg.hpp"

#include "tests/support/catch.hpp"

#include <limits>

using namespace lathe;
using namespace lathe::search;

namespace {

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

}  // namespace

TEST_CASE("a front is drawn with axes, points, chosen and budget", "[search]") {
  FrontPlot plot{
      "tiny <1>",           "latency (ms)",           "error", {{1, 0.5}, {2, 0.4}, {3, 0.45}},
      {{1, 0.5}, {2, 0.4}}, FrontPlot::Point{2, 0.4}, 2.5};
  const std::string svg = front_svg(plot);
  CHECK(svg.rfind("<svg xmlns=\"http://www.w3.org/2000/svg\"", 0) == 0);
  CHECK_THAT(svg, ContainsSubstring("tiny &lt;1&gt;") && ContainsSubstring("latency (ms)") &&
                      ContainsSubstring("<polyline") && ContainsSubstring("</svg>\n"));
  CHECK(count_of(svg, "fill=\"#b9c4cf\"") == 3 + 1);  // and the legend's
  CHECK(count_of(svg, "fill=\"#1f5fa8\"") == 2 + 1);
  CHECK(count_of(svg, "stroke-dasharray=\"6 4\"") == 1);
  CHECK(count_of(svg, "r=\"7.00\"") == 1);
  CHECK(front_svg(plot) == svg);
  // The x axis goes from 1 to 3 in steps of 0.5, so 2 is in its middle: (72 + 700) / 2.
  CHECK_THAT(svg, ContainsSubstring("<circle cx=\"386.00\"") && ContainsSubstring(">2.5</text>"));
}

TEST_CASE("a plot of nothing, or of one point, is still a picture", "[search]") {
  FrontPlot plot;
  CHECK_THAT(front_svg(plot), ContainsSubstring("</svg>") && !ContainsSubstring("nan"));
  plot.evaluated = plot.front = {{3, 0.25}};
  const std::string svg = front_svg(plot);
  CHECK_THAT(svg, !ContainsSubstring("nan") && !ContainsSubstring("inf"));
  plot.evaluated.push_back({std::numeric_limits<double>::quiet_NaN(), 1});
  CHECK_THROWS_AS(front_svg(plot), LogicError);
}
