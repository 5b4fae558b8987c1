#include "spaces/network_text.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <nlohmann/json.hpp>

LATHE_FUZZ_TARGET(bytes) {
  // The first byte chooses the space, so that every form of text is met.
  static const std::vector<lathe::spaces::SearchSpace> spaces = [] {
    std::vector<lathe::spaces::SearchSpace> all;
    for (const char* name : {"tiny", "nas-bench-macro", "mobilenet-v2"}) {
      all.push_back(lathe::spaces::SearchSpace::load({name, {}}, "configs"));
    }
    return all;
  }();
  if (bytes.empty()) return;
  const auto& space = spaces[static_cast<unsigned char>(bytes[0]) % spaces.size()];
  for (const auto& one : lathe::spaces::parse_network_file(bytes.substr(1), "input")) {
    const auto read = parse_network(space, one.text, one.where, one.strictness);
    const std::string text = to_text(read.space, read.arch);
    const auto copy = parse_network(space, text, "copy");
    LATHE_CHECK(
        network_id(copy.space.decode(copy.arch)) == network_id(read.space.decode(read.arch)), text);
  }
}
