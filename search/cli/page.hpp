#pragma once

#include "search/cli/search_summary.hpp"

#include <string>
#include <utility>
#include <vector>

namespace lathe::cli {

/// One HTML page that needs nothing but itself: no scripts, fonts or files from elsewhere. Texts
/// are escaped; SVG is taken as it is.
class Page {
 public:
  explicit Page(const std::string& title);
  void heading(const std::string& text);     ///< of a run
  void subheading(const std::string& text);  ///< within a run
  void paragraph(const std::string& text);
  void table(const TextTable& table);
  void facts(const std::vector<std::pair<std::string, std::string>>& facts);
  void picture(const std::string& svg);
  /// The whole page.
  std::string text() const;

 private:
  std::string title_, body_;
};

}  // namespace lathe::cli
