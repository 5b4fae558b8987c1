#include "search/search_config.hpp"

#include "spaces/base/json_io.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <nlohmann/json.hpp>

LATHE_FUZZ_TARGET(bytes) {
  // What was resolved resolves to itself.
  const auto value = lathe::parse_json(bytes, "input", lathe::Comments::allowed);
  const auto resolved = lathe::search::resolve_search_config(value, "input");
  LATHE_CHECK(lathe::search::resolve_search_config(resolved, "input") == resolved,
              lathe::dump_json_line(resolved));
}
