#include "spaces/base/run_dir.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <nlohmann/json.hpp>

LATHE_FUZZ_TARGET(bytes) { lathe::RunDir::parse_manifest(bytes, "manifest.json"); }
