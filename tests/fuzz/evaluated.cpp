#include "search/run_files.hpp"
#include "tests/fuzz/fuzz.hpp"

LATHE_FUZZ_TARGET(bytes) {
  static const auto space = lathe::spaces::SearchSpace::load({"nas-bench-macro", {}}, "configs");
  lathe::search::parse_evaluated(bytes, "evaluated.jsonl", space, {"error", "macs"});
}
