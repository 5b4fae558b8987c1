#include "spaces/search_space.hpp"
#include "tests/fuzz/fuzz.hpp"

LATHE_FUZZ_TARGET(bytes) {
  const auto space = lathe::spaces::SearchSpace::parse(bytes, "input.json");
  space.decode(space.largest());
  space.decode(space.smallest());
  space.codes();
}
