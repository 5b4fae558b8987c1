#include "supernet/training/safetensors.hpp"

#include "tests/fuzz/fuzz.hpp"

LATHE_FUZZ_TARGET(bytes) {
  const auto file = lathe::supernet::parse_safetensors(std::string(bytes), "input");
  std::size_t covered = 0;
  for (const auto& tensor : file.tensors) covered += tensor.bytes.size();
  LATHE_CHECK(covered <= bytes.size(), "more bytes than there are");
}
