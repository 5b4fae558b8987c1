#include "latency/job.hpp"
#include "spaces/base/json_io.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <nlohmann/json.hpp>

LATHE_FUZZ_TARGET(bytes) {
  using namespace lathe::latency;
  lathe::parse_jsonl(bytes, "input", [](int number, const nlohmann::json& value) {
    const ProbeLine line = probe_line_from_json(value, "input:" + std::to_string(number));
    const nlohmann::json written = to_json(line);
    LATHE_CHECK(to_json(probe_line_from_json(written, "copy")) == written,
                lathe::dump_json_line(written));
  });
}
