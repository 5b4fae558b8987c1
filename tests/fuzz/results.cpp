#include "search/result_files.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <nlohmann/json.hpp>

#include <array>

// The first byte chooses the file.
LATHE_FUZZ_TARGET(bytes) {
  using namespace lathe::search;
  static const std::array readers = {parse_front, parse_best, parse_measured};
  if (bytes.empty()) return;
  const auto reader = readers[static_cast<unsigned char>(bytes[0]) % readers.size()];
  reader(bytes.substr(1), "input");
}
