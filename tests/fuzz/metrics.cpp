#include "supernet/training/metrics.hpp"

#include "tests/fuzz/fuzz.hpp"

LATHE_FUZZ_TARGET(bytes) {
  using namespace lathe::supernet;
  const auto rows = parse_metrics(bytes, "input");
  // What is taken is what would have been written.
  Metrics copy("metrics.csv");
  for (const MetricsRow& row : rows) copy.add(row);
  LATHE_CHECK(copy.bytes() == std::int64_t(bytes.size()), std::string(bytes));
  TrainState state;
  state.phase = 1;
  state.epoch = 1;
  check_metrics(rows, {{{"full", 2}, {"width", 3}}, 10}, state, "input");
}
