#include "latency/measurement_log.hpp"
#include "tests/fuzz/fuzz.hpp"

LATHE_FUZZ_TARGET(bytes) {
  int torn = 0;
  lathe::latency::parse_log(bytes, "input", &torn);
}
