#include "supernet/export/sidecar.hpp"

#include "tests/fuzz/fuzz.hpp"

#include <nlohmann/json.hpp>

LATHE_FUZZ_TARGET(bytes) {
  // What was read is written and read again as the same.
  using namespace lathe::supernet;
  const std::string written = to_json(parse_sidecar(bytes, "input")).dump();
  LATHE_CHECK(to_json(parse_sidecar(written, "copy")).dump() == written, written);
}
