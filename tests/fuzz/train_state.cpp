#include "supernet/training/train_state.hpp"

#include "spaces/base/json_io.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <nlohmann/json.hpp>

LATHE_FUZZ_TARGET(bytes) {
  using namespace lathe;
  const auto value = parse_json(bytes, "input", Comments::refused);
  const auto state = supernet::train_state(value, "input");
  LATHE_CHECK(to_json(supernet::train_state(to_json(state), "copy")) == to_json(state), "copy");
  supernet::check_state(state, {{{"full", 2}, {"width", 3}}, 10}, "input");
}
