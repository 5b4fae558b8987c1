#include "search/cli/line_chart.hpp"

#include "spaces/base/error.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace lathe::cli {
namespace {

constexpr double kWidth = 720, kHeight = 360;
constexpr double kLeft = 70, kRight = 150, kTop = 40, kBottom = 50;  // room for labels and legend
// Okabe and Ito 2008: told apart by people who see colours differently, too.
constexpr std::array<const char*, 6> kColours = {"#0072b2", "#d55e00", "#009e73",
                                                 "#cc79a7", "#e69f00", "#56b4e9"};

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

/// Ticks at 1, 2 or 5 times a power of ten; at most `most` of them.
struct Axis {
  double least, most, step;
};
Axis axis_of(double least, double most, int ticks) {
  if (least == most) {
    const double margin = least == 0 ? 1 : std::abs(least) / 2;
    least -= margin;
    most += margin;
  }
  const double rough = (most - least) / ticks, power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {5.0, 2.0, 1.0}) {
    if (factor * power >= rough) step = factor * power;
  }
  return {std::floor(least / step) * step, std::ceil(most / step) * step, step};
}

class Drawing {
 public:
  Drawing(const Axis& x, const Axis& y) : x_(x), y_(y) {}

  double across(double value) const {
    return kLeft + (value - x_.least) / (x_.most - x_.least) * (kWidth - kLeft - kRight);
  }
  double down(double value) const {
    return kHeight - kBottom -
           (value - y_.least) / (y_.most - y_.least) * (kHeight - kTop - kBottom);
  }
  void text(double x, double y, const std::string& words, const std::string& more) {
    svg_ += "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" " + more + ">" + escaped(words) +
            "</text>\n";
  }
  void line(double x1, double y1, double x2, double y2, const std::string& colour) {
    svg_ += "<line x1=\"" + number(x1) + "\" y1=\"" + number(y1) + "\" x2=\"" + number(x2) +
            "\" y2=\"" + number(y2) + "\" stroke=\"" + colour + "\"/>\n";
  }
  void grid() {
    // Counted, so that rounding neither drops nor repeats the last tick.
    const auto ticks = [](const Axis& axis) {
      return static_cast<int>(std::lround((axis.most - axis.least) / axis.step));
    };
    for (int i = 0; i <= ticks(y_); ++i) {
      const double value = y_.least + i * y_.step;
      line(kLeft, down(value), kWidth - kRight, down(value), "#ddd");
      text(kLeft - 8, down(value) + 4, number(value), "text-anchor=\"end\"");
    }
    for (int i = 0; i <= ticks(x_); ++i) {
      const double value = x_.least + i * x_.step;
      line(across(value), kHeight - kBottom, across(value), kHeight - kBottom + 5, "#333");
      text(across(value), kHeight - kBottom + 20, number(value), "text-anchor=\"middle\"");
    }
    line(kLeft, kHeight - kBottom, kWidth - kRight, kHeight - kBottom, "#333");
    line(kLeft, kTop, kLeft, kHeight - kBottom, "#333");
  }
  void series(const Series& series, std::size_t place) {
    const std::string colour = kColours[place % kColours.size()];
    std::string points;
    for (const auto& [x, y] : series.points) {
      points += (points.empty() ? "" : " ") + number(across(x)) + "," + number(down(y));
    }
    svg_ += "<polyline fill=\"none\" stroke=\"" + colour + "\" stroke-width=\"2\" points=\"" +
            points + "\"/>\n";
    const double y = kTop + 12 + 20 * static_cast<double>(place), x = kWidth - kRight + 15;
    svg_ += "<line x1=\"" + number(x) + "\" y1=\"" + number(y - 4) + "\" x2=\"" + number(x + 20) +
            "\" y2=\"" + number(y - 4) + "\" stroke=\"" + colour + "\" stroke-width=\"2\"/>\n";
    text(x + 26, y, series.name, "");
  }
  void mark(double x, const std::string& name) {
    svg_ += "<line x1=\"" + number(across(x)) + "\" y1=\"" + number(kTop - 8) + "\" x2=\"" +
            number(across(x)) + "\" y2=\"" + number(kHeight - kBottom) +
            "\" stroke=\"#888\" stroke-dasharray=\"2 3\"/>\n";
    text(across(x) + 3, kTop - 2, name, "fill=\"#666\" font-size=\"11\"");
  }
  std::string take() { return std::move(svg_); }

 private:
  Axis x_, y_;
  std::string svg_;
};

}  // namespace

std::string escaped(const std::string& text) {
  std::string all;
  for (const char c : text) {
    switch (c) {
      case '&':
        all += "&amp;";
        break;
      case '<':
        all += "&lt;";
        break;
      case '>':
        all += "&gt;";
        break;
      case '"':
        all += "&quot;";
        break;
      default:
        all += c;
    }
  }
  return all;
}

std::string line_chart_svg(const LineChart& chart) {
  std::vector<double> xs, ys;
  for (const Series& series : chart.series) {
    for (const auto& [x, y] : series.points) {
      LATHE_CHECK(std::isfinite(x) && std::isfinite(y), "a chart of what is not finite");
      xs.push_back(x);
      ys.push_back(y);
    }
  }
  LATHE_CHECK(!xs.empty(), "a chart without points");
  for (const auto& [x, name] : chart.marks) xs.push_back(x);
  const auto [least_x, most_x] = std::minmax_element(xs.begin(), xs.end());
  const auto [least_y, most_y] = std::minmax_element(ys.begin(), ys.end());
  Drawing drawing(axis_of(*least_x, *most_x, 8), axis_of(*least_y, *most_y, 6));
  drawing.grid();
  for (const auto& [x, name] : chart.marks) drawing.mark(x, name);
  for (std::size_t i = 0; i < chart.series.size(); ++i) drawing.series(chart.series[i], i);
  drawing.text(kLeft, 20, chart.title, "font-weight=\"bold\"");
  drawing.text((kLeft + kWidth - kRight) / 2, kHeight - 10, chart.x_label,
               "text-anchor=\"middle\"");
  const std::string turn = "text-anchor=\"middle\" transform=\"rotate(-90 16 " +
                           number((kTop + kHeight - kBottom) / 2) + ")\"";
  drawing.text(16, (kTop + kHeight - kBottom) / 2, chart.y_label, turn);
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 720 360\" width=\"720\" "
         "height=\"360\" font-family=\"sans-serif\" font-size=\"12\">\n"
         "<rect width=\"720\" height=\"360\" fill=\"white\"/>\n" +
         drawing.take() + "</svg>\n";
}

}  // namespace lathe::cli
