#include "spaces/base/json_io.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <nlohmann/json.hpp>

LATHE_FUZZ_TARGET(bytes) {
  // Data and configs; what was read is written and read again as the same.
  const nlohmann::json value = lathe::parse_json(bytes, "input", lathe::Comments::allowed);
  const std::string text = lathe::dump_json(value);
  LATHE_CHECK(lathe::parse_json(text, "copy", lathe::Comments::refused) == value, text);
}
