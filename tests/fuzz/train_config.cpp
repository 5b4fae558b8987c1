#include "supernet/training/train_config.hpp"

#include "spaces/base/json_io.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <nlohmann/json.hpp>

LATHE_FUZZ_TARGET(bytes) {
  lathe::supernet::read_train_config(lathe::parse_json(bytes, "input", lathe::Comments::allowed),
                                     "input");
}
