#include "spaces/base/json_io.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <nlohmann/json.hpp>

LATHE_FUZZ_TARGET(bytes) {
  lathe::parse_jsonl(bytes, "input", [](int, const nlohmann::json&) {});
}
