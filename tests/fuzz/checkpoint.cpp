#include "supernet/training/checkpoint_file.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <nlohmann/json.hpp>

/// The input is the header; its length comes before it and 24 bytes of data behind.
LATHE_FUZZ_TARGET(bytes) {
  using namespace lathe::supernet;
  std::string file;
  for (int shift = 0; shift < 64; shift += 8)
    file += static_cast<char>(std::uint64_t(bytes.size()) >> shift & 0xff);
  file += std::string(bytes) + std::string(24, 'x');
  const Checkpoint checkpoint = parse_checkpoint(file, "000012.safetensors", "0123456789abcdef");
  const nlohmann::json state = to_json(checkpoint.state);
  LATHE_CHECK(to_json(train_state(state, "copy")) == state, state.dump());
  check_checkpoint(checkpoint, "fedcba9876543210", {{{"full", 2}, {"width", 3}}, 10});
}
