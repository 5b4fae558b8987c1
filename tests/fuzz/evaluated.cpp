#include "search/run_files.hpp"
#include "tests/fuzz/fuzz.hpp"

LATHE_FUZZ_TARGET(bytes) {
  lathe::search::parse_evaluated(bytes, "evaluated.jsonl", {"error", "macs"});
}
