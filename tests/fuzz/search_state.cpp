#include "search/run_files.hpp"
#include "search/search_config.hpp"
#include "spaces/base/json_io.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <nlohmann/json.hpp>

using namespace lathe::search;

namespace {

SearcherFactory factory(const char* searcher) {
  const std::string text = std::string(R"({"format": "lathe.search", "version": 1,
      "space": "nas-bench-macro", "objectives": ["error", "macs"],
      "evaluator": {"kind": "tabular", "data": "x"}, "searcher": )") +
                           searcher + "}";
  const auto config = lathe::parse_json(text, "config", lathe::Comments::refused);
  return read_search_config(config, "config").make_searcher;
}

}  // namespace

// The first byte chooses the searcher; what was restored has to go on.
LATHE_FUZZ_TARGET(bytes) {
  static const std::vector<SearcherFactory> factories = {
      factory(R"({"kind": "random", "batch": 2, "max_tries": 10})"),
      factory(R"({"kind": "evolution", "population": 8, "max_tries": 10})"),
      factory(R"({"kind": "ageing", "population": 4, "sample": 2, "batch": 2, "max_tries": 10,
                  "exponents": {"macs": 0.07}})")};
  static const auto space = lathe::spaces::SearchSpace::load({"nas-bench-macro", {}}, "configs");
  static const Feasibility feasibility(space, {"error", "macs"}, {}, {}, {});
  if (bytes.empty()) return;
  const auto searcher = factories[static_cast<unsigned char>(bytes[0]) % factories.size()](
      feasibility, lathe::Rng(1));
  const nlohmann::json setup = nullptr;
  const SavedState state = parse_state(bytes.substr(1), "state.json", setup, *searcher);
  const nlohmann::json written = state_json(setup, state, *searcher);
  searcher->ask();
  const SavedState again = parse_state(written.dump(), "copy", setup, *searcher);
  LATHE_CHECK(state_json(setup, again, *searcher) == written, written.dump());
}
