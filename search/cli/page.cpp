#include "search/cli/page.hpp"

#include "search/cli/line_chart.hpp"

namespace lathe::cli {
namespace {

constexpr const char* kStyle = R"(
body { font: 15px/1.45 sans-serif; color: #222; background: #fff; margin: 2em auto; max-width: 60em; padding: 0 1em; }
h1 { font-size: 1.6em; } h2 { font-size: 1.25em; margin-top: 2.2em; border-bottom: 1px solid #ccc; } h3 { font-size: 1.05em; }
table { border-collapse: collapse; font-size: 0.92em; display: block; overflow-x: auto; }
td, th { padding: 0.2em 0.8em 0.2em 0; text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
th { border-bottom: 1px solid #999; font-weight: 600; }
.text { text-align: left; } td.text { font-family: monospace; }
.facts td { text-align: left; vertical-align: top; white-space: normal; overflow-wrap: anywhere; }
.facts td:first-child { color: #666; white-space: nowrap; overflow-wrap: normal; }
figure { margin: 1em 0; overflow-x: auto; } svg { max-width: 100%; min-width: 32em; height: auto; }
@media (prefers-color-scheme: dark) {
  :root { color-scheme: dark; } body { color: #ddd; background: #1a1a1a; } h2 { border-color: #555; }
  .facts td:first-child { color: #aaa; } svg { filter: invert(0.9) hue-rotate(180deg); }
}
@media print { body { margin: 0; max-width: none; } figure, tr { break-inside: avoid; } }
)";

/// Networks are texts; all else in a table is numbers, or reads well beside them.
bool is_text(const std::string& title) { return title == "network"; }

std::string row_of(const std::vector<std::string>& cells, const std::string& tag,
                   const std::vector<std::string>& titles) {
  std::string row = "<tr>";
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const bool text = i < titles.size() && is_text(titles[i]);
    row += "<" + tag + (text ? " class=\"text\">" : ">") + escaped(cells[i]) + "</" + tag + ">";
  }
  return row + "</tr>\n";
}

}  // namespace

Page::Page(const std::string& title) : title_(title) {
  body_ = "<h1>" + escaped(title) + "</h1>\n";
}

void Page::heading(const std::string& text) { body_ += "<h2>" + escaped(text) + "</h2>\n"; }
void Page::subheading(const std::string& text) { body_ += "<h3>" + escaped(text) + "</h3>\n"; }
void Page::paragraph(const std::string& text) { body_ += "<p>" + escaped(text) + "</p>\n"; }

void Page::table(const TextTable& table) {
  body_ += "<table>\n" + row_of(table.titles, "th", table.titles);
  for (const auto& row : table.rows) body_ += row_of(row, "td", table.titles);
  body_ += "</table>\n";
}

void Page::facts(const std::vector<std::pair<std::string, std::string>>& facts) {
  body_ += "<table class=\"facts\">\n";
  for (const auto& [name, value] : facts) body_ += row_of({name, value}, "td", {});
  body_ += "</table>\n";
}

void Page::picture(const std::string& svg) { body_ += "<figure>" + svg + "</figure>\n"; }

std::string Page::text() const {
  return "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width\">\n<title>" +
         escaped(title_) + "</title>\n<style>" + kStyle + "</style></head>\n<body>\n" + body_ +
         "</body></html>\n";
}

}  // namespace lathe::cli
