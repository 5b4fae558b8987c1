#include "search/front_svg.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>

namespace lathe::search {
namespace {

constexpr double kWidth = 720, kHeight = 480;
constexpr double kLeft = 72, kRight = 20, kTop = 44, kBottom = 60;

std::string number(double value, const char* format = "%.2f") {
  std::array<char, 48> digits{};
  std::snprintf(digits.data(), digits.size(), format, value);
  return digits.data();
}

std::string escaped(const std::string& text) {
  std::string safe;
  for (char c : text) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      default:
        safe += c;
    }
  }
  return safe;
}

/// An axis from a round number to a round number, in steps of 1, 2 or 5 times a power of ten.
struct Axis {
  double least = 0, most = 1, step = 1;
  double pixels_least = 0, pixels_most = 1;

  double at(double value) const {
    return pixels_least + (value - least) / (most - least) * (pixels_most - pixels_least);
  }
  int ticks() const { return static_cast<int>(std::lround((most - least) / step)); }
  std::string label(int tick) const {
    const int digits = std::max(0, -static_cast<int>(std::floor(std::log10(step) + 1e-9)));
    return number(least + tick * step, ("%." + std::to_string(digits) + "f").c_str());
  }
};

Axis axis_over(double least, double most, double pixels_least, double pixels_most) {
  if (!(most > least)) {
    const double margin = least == 0 ? 1 : std::abs(least) * 0.1;
    least -= margin;
    most += margin;
  }
  const double rough = (most - least) / 6, power = std::pow(10.0, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (double factor : {5.0, 2.0, 1.0}) {
    if (factor * power >= rough) step = factor * power;
  }
  return {std::floor(least / step) * step, std::ceil(most / step) * step, step, pixels_least,
          pixels_most};
}

std::string text_at(double x, double y, const std::string& anchor, const std::string& content,
                    const std::string& more = "") {
  return "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" text-anchor=\"" + anchor + "\"" +
         more + ">" + escaped(content) + "</text>\n";
}

std::string line(double x1, double y1, double x2, double y2, const std::string& style) {
  return "<line x1=\"" + number(x1) + "\" y1=\"" + number(y1) + "\" x2=\"" + number(x2) +
         "\" y2=\"" + number(y2) + "\" " + style + "/>\n";
}

std::string circle(double x, double y, double radius, const std::string& style) {
  return "<circle cx=\"" + number(x) + "\" cy=\"" + number(y) + "\" r=\"" + number(radius) + "\" " +
         style + "/>\n";
}

std::string axes(const FrontPlot& plot, const Axis& x, const Axis& y) {
  std::string svg;
  for (int i = 0; i <= x.ticks(); ++i) {
    const double at = x.at(x.least + i * x.step);
    svg += line(at, y.pixels_least, at, y.pixels_most, "stroke=\"#e4e4e4\"");
    svg += text_at(at, kHeight - kBottom + 18, "middle", x.label(i));
  }
  for (int i = 0; i <= y.ticks(); ++i) {
    const double at = y.at(y.least + i * y.step);
    svg += line(x.pixels_least, at, x.pixels_most, at, "stroke=\"#e4e4e4\"");
    svg += text_at(kLeft - 8, at + 4, "end", y.label(i));
  }
  svg += line(kLeft, y.pixels_least, x.pixels_most, y.pixels_least, "stroke=\"#444\"");
  svg += line(kLeft, y.pixels_least, kLeft, y.pixels_most, "stroke=\"#444\"");
  const double middle = (kTop + kHeight - kBottom) / 2;
  svg += text_at((kLeft + kWidth - kRight) / 2, kHeight - 16, "middle", plot.x_label);
  svg += text_at(18, middle, "middle", plot.y_label,
                 " transform=\"rotate(-90 18 " + number(middle) + ")\"");
  return svg + text_at(kLeft, 20, "start", plot.title, " font-size=\"15\"");
}

/// The front as a staircase: what is reachable for each value of x.
std::string staircase(const std::vector<FrontPlot::Point>& front, const Axis& x, const Axis& y) {
  std::string points;
  for (std::size_t i = 0; i < front.size(); ++i) {
    if (i > 0) points += number(x.at(front[i].x)) + "," + number(y.at(front[i - 1].y)) + " ";
    points += number(x.at(front[i].x)) + "," + number(y.at(front[i].y)) + " ";
  }
  if (!points.empty()) points.pop_back();
  return "<polyline points=\"" + points +
         "\" fill=\"none\" stroke=\"#1f5fa8\" stroke-width=\"1.5\"/>\n";
}

/// What the marks mean, in a row at the top right.
std::string legend(const FrontPlot& plot) {
  double at = kWidth - kRight - 300;
  const double y = 36;
  std::string svg =
      circle(at, y - 4, 3, "fill=\"#b9c4cf\"") + text_at(at + 8, y, "start", "evaluated");
  at += 86;
  svg += circle(at, y - 4, 4, "fill=\"#1f5fa8\"") + text_at(at + 8, y, "start", "front");
  at += 62;
  if (plot.chosen) {
    svg += circle(at, y - 4, 6, "fill=\"none\" stroke=\"#c0392b\" stroke-width=\"2.5\"") +
           text_at(at + 11, y, "start", "chosen");
  }
  at += 76;
  if (plot.budget) {
    svg += line(at - 6, y - 4, at + 6, y - 4,
                "stroke=\"#c0392b\" stroke-width=\"1.5\" stroke-dasharray=\"4 3\"") +
           text_at(at + 11, y, "start", "budget");
  }
  return svg;
}

void check_finite(const FrontPlot& plot) {
  const auto finite = [](const FrontPlot::Point& p) {
    return std::isfinite(p.x) && std::isfinite(p.y);
  };
  LATHE_CHECK(std::all_of(plot.evaluated.begin(), plot.evaluated.end(), finite) &&
                  std::all_of(plot.front.begin(), plot.front.end(), finite) &&
                  (!plot.chosen || finite(*plot.chosen)) &&
                  (!plot.budget || std::isfinite(*plot.budget)),
              "a plot holds a value that is not finite");
}

double scale_of(const std::string& name) {
  if (unit_of(name) == "bytes") return 1.0 / (1 << 20);
  const Quantity quantity = parse_quantity(name, name).quantity;
  return quantity == Quantity::macs || quantity == Quantity::params ? 1e-6 : 1;
}

std::string label_of(const std::string& name) {
  const QuantityName quantity = parse_quantity(name, name);
  switch (quantity.quantity) {
    case Quantity::latency:
      return "latency" + (quantity.table.empty() ? "" : " on " + quantity.table) + " (ms)";
    case Quantity::macs:
      return "MACs (millions)";
    case Quantity::params:
      return "parameters (millions)";
    case Quantity::memory:
      return "peak activation memory (MiB)";
    case Quantity::size:
      return "size of the parameters (MiB)";
    case Quantity::error:
      break;
  }
  return "error (fraction of validation images)";
}

}  // namespace

std::string front_svg(const FrontPlot& plot) {
  check_finite(plot);
  std::vector<FrontPlot::Point> all = plot.evaluated;
  all.insert(all.end(), plot.front.begin(), plot.front.end());
  if (plot.chosen) all.push_back(*plot.chosen);
  double x_least = plot.budget.value_or(all.empty() ? 0 : all[0].x), x_most = x_least;
  double y_least = all.empty() ? 0 : all[0].y, y_most = y_least;
  for (const FrontPlot::Point& p : all) {
    x_least = std::min(x_least, p.x);
    x_most = std::max(x_most, p.x);
    y_least = std::min(y_least, p.y);
    y_most = std::max(y_most, p.y);
  }
  const Axis x = axis_over(x_least, x_most, kLeft, kWidth - kRight);
  const Axis y = axis_over(y_least, y_most, kHeight - kBottom, kTop);

  std::string svg =
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"720\" height=\"480\" viewBox=\"0 0 720 "
      "480\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#222\">\n"
      "<rect width=\"720\" height=\"480\" fill=\"#fff\"/>\n";
  svg += axes(plot, x, y);
  for (const FrontPlot::Point& p : plot.evaluated) {
    svg += circle(x.at(p.x), y.at(p.y), 3, "fill=\"#b9c4cf\"");
  }
  if (plot.budget) {
    svg += line(x.at(*plot.budget), y.pixels_least, x.at(*plot.budget), y.pixels_most,
                "stroke=\"#c0392b\" stroke-width=\"1.5\" stroke-dasharray=\"6 4\"");
  }
  svg += staircase(plot.front, x, y);
  for (const FrontPlot::Point& p : plot.front) {
    svg += circle(x.at(p.x), y.at(p.y), 4, "fill=\"#1f5fa8\"");
  }
  if (plot.chosen) {
    svg += circle(x.at(plot.chosen->x), y.at(plot.chosen->y), 7,
                  "fill=\"none\" stroke=\"#c0392b\" stroke-width=\"2.5\"");
  }
  return svg + legend(plot) + "</svg>\n";
}

std::optional<FrontPlot> plot_of(const SearchResult& result, const Feasibility& feasibility,
                                 const std::vector<std::string>& objectives, int chosen) {
  const auto error = static_cast<std::size_t>(
      std::find(objectives.begin(), objectives.end(), "error") - objectives.begin());
  std::size_t cost = 0;
  while (cost < objectives.size() && !feasibility.find_cost(objectives[cost])) ++cost;
  if (error == objectives.size() || cost == objectives.size()) return std::nullopt;
  const std::string& name = objectives[cost];
  const double scale = scale_of(name);
  const auto point = [&](const Scores& scores) {
    return FrontPlot::Point{scores[cost] * scale, scores[error]};
  };
  FrontPlot plot;
  plot.title = feasibility.space().name() + ": " + std::to_string(result.evaluated.size()) +
               " networks evaluated";
  plot.x_label = label_of(name);
  plot.y_label = label_of("error");
  for (const Evaluated& evaluated : result.evaluated) {
    if (const auto* scores = std::get_if<Scores>(&evaluated.scores)) {
      plot.evaluated.push_back(point(*scores));
    }
  }
  // With more than two objectives the picture shows the front of these two.
  ParetoFront front;
  for (const FrontPlot::Point& p : plot.evaluated) front.insert({0, {p.x, p.y}});
  for (const FrontPoint& p : front.points()) plot.front.push_back({p.scores[0], p.scores[1]});
  if (chosen >= 0) {
    plot.chosen =
        point(std::get<Scores>(result.evaluated[static_cast<std::size_t>(chosen)].scores));
  }
  if (const auto bound = feasibility.bounds()[*feasibility.find_cost(name)]) {
    plot.budget = *bound * scale;
  }
  return plot;
}

}  // namespace lathe::search
