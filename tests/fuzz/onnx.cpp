#include "supernet/export/onnx_reader.hpp"
#include "tests/fuzz/fuzz.hpp"

LATHE_FUZZ_TARGET(bytes) { lathe::supernet::read_onnx(bytes, "input"); }
