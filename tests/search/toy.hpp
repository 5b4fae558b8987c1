#pragma once

#include "search/feasibility.hpp"
#include "search/search_loop.hpp"
#include "spaces/base/json_io.hpp"
#include "tests/support/formula_evaluator.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <unistd.h>
#include <vector>

namespace lathe::test {

/// 9 * 9 * 81 = 6,561 genotypes: small enough to be enumerated.
inline spaces::SearchSpace toy_space() {
  return spaces::SearchSpace::load(
      spaces::parse_space_name("tiny:resolution=32,stage1.depth=1,stage2.depth=1,stage3.depth=2"),
      "configs");
}

/// 819^3 * 3 = 1.6e9 genotypes.
inline spaces::SearchSpace tiny_space() {
  return spaces::SearchSpace::load(spaces::parse_space_name("tiny"), "configs");
}

inline search::LatencyModels formula_models() {
  return {{"formula", std::make_shared<FormulaLatency>()}};
}

/// Error and latency as objectives; `latency_ms`: the bound, none if 0.
inline search::Feasibility toy_feasibility(const spaces::SearchSpace& space,
                                           double latency_ms = 0) {
  std::vector<search::Constraint> constraints;
  if (latency_ms > 0) constraints.push_back({"latency", latency_ms});
  return search::Feasibility(space, {"error", "latency"}, constraints, formula_models(), {});
}

/// A folder of its own, gone at the end.
class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "lathe-search-XXXXXX").string();
    LATHE_CHECK(mkdtemp(name.data()) != nullptr, "no temporary folder");
    path_ = name;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::string text(const std::string& name) const { return read_file(path_ / name); }

 private:
  std::filesystem::path path_;
};

}  // namespace lathe::test
