#include "search/cli/progress_text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace lathe::cli {
namespace {

constexpr int kBarWidth = 20;

std::string bar_text(double share) {
  const int full = static_cast<int>(std::lround(share * kBarWidth));
  return "[" + std::string(static_cast<std::size_t>(full), '#') +
         std::string(static_cast<std::size_t>(kBarWidth - full), '.') + "] ";
}

}  // namespace

std::string shortened(const std::string& text, int columns) {
  const std::size_t room = static_cast<std::size_t>(std::max(columns, 4));
  return text.size() <= room ? text : text.substr(0, room - 3) + "...";
}

std::string progress_line(const Progress& progress, Micros elapsed, double done_at_start,
                          int columns, bool bar) {
  const double share =
      progress.total > 0 ? std::clamp(progress.done / progress.total, 0.0, 1.0) : 0.0;
  char percent[16];
  std::snprintf(percent, sizeof percent, "%3d%%", static_cast<int>(share * 100));
  std::string line = progress.activity + "  " + (bar ? bar_text(share) : "") + percent;
  const double gained = progress.done - done_at_start;
  if (gained > 0 && share < 1) {
    line += "  " + text_rough(elapsed * ((progress.total - progress.done) / gained)) + " left";
  }
  if (!progress.detail.empty()) line += "  " + progress.detail;
  return shortened(line, columns);
}

std::string event_line(std::string_view name, const nlohmann::json& fields) {
  if (const auto message = fields.find("message");
      message != fields.end() && message->is_string()) {
    return message->get<std::string>();
  }
  std::string line(name);
  std::string separator = "  ";
  for (const auto& [key, value] : fields.items()) {
    std::string shown;
    if (value.is_number_float()) {
      char number[32];
      std::snprintf(number, sizeof number, "%.4g", value.get<double>());
      shown = number;
    } else if (value.is_string()) {
      shown = value.get<std::string>();
    } else if (value.is_primitive()) {
      shown = value.dump();
    } else {
      continue;
    }
    line += separator + key + " " + shown;
    separator = ", ";
  }
  return line;
}

}  // namespace lathe::cli
