#include "latency/latency_table.hpp"
#include "tests/fuzz/fuzz.hpp"

LATHE_FUZZ_TARGET(bytes) { lathe::latency::LatencyTable::parse(bytes, "input"); }
