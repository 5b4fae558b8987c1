#include "search/tabular_evaluator.hpp"
#include "tests/fuzz/fuzz.hpp"

LATHE_FUZZ_TARGET(bytes) {
  static const auto space = lathe::spaces::SearchSpace::load({"nas-bench-macro", {}}, "configs");
  lathe::search::TabularEvaluator::parse(bytes, "input", space);
}
