#include "latency/job.hpp"

#include "spaces/base/json_io.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <nlohmann/json.hpp>

LATHE_FUZZ_TARGET(bytes) {
  // What was read is written and read again as the same.
  using namespace lathe::latency;
  const auto job =
      engine_job_from_json(lathe::parse_json(bytes, "input", lathe::Comments::refused), "input");
  const nlohmann::json written = to_json(job);
  LATHE_CHECK(to_json(engine_job_from_json(written, "copy")) == written,
              lathe::dump_json_line(written));
}
