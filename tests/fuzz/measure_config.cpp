#include "latency/plan.hpp"
#include "spaces/base/json_io.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <nlohmann/json.hpp>

LATHE_FUZZ_TARGET(bytes) {
  lathe::latency::read_measure_config(lathe::parse_json(bytes, "input", lathe::Comments::allowed),
                                      "input");
}
