#include "search/registry.hpp"

#include "search/ageing_searcher.hpp"
#include "search/evolution_searcher.hpp"
#include "search/random_searcher.hpp"

namespace lathe::search {
namespace {

/// A row for a searcher whose constructor takes (Feasibility, Config, Rng).
template <typename S, typename Config>
SearcherKind row(const std::string& name, const std::string& meaning) {
  return {name, meaning,
          [](ConfigReader& reader, const std::vector<std::string>&) -> SearcherFactory {
            Config config;
            config.read(reader);
            return [config](const Feasibility& feasibility, const Rng& rng) {
              return std::make_unique<S>(feasibility, config, rng);
            };
          }};
}

/// Ageing evolution needs to know the objectives, which it weighs.
SearcherKind ageing() {
  const auto read = [](ConfigReader& reader,
                       const std::vector<std::string>& objectives) -> SearcherFactory {
    AgeingConfig config;
    config.read(reader);
    if (!reader.describing()) config.check(reader, objectives);
    return [config, objectives](const Feasibility& feasibility, const Rng& rng) {
      return std::make_unique<AgeingSearcher>(feasibility, config, objectives, rng);
    };
  };
  return {"ageing", "ageing (regularised) evolution by one number", read};
}

}  // namespace

const std::vector<SearcherKind>& searcher_kinds() {
  static const std::vector<SearcherKind> kinds{
      row<EvolutionSearcher, EvolutionConfig>("evolution", "NSGA-II over the space's decisions"),
      ageing(), row<RandomSearcher, RandomConfig>("random", "uniform samples, the baseline")};
  return kinds;
}

SearcherFactory read_searcher(ConfigReader& reader, const std::vector<std::string>& objectives) {
  std::string kind = searcher_kinds().front().name;
  std::vector<std::string> names;
  std::string meaning;
  for (const SearcherKind& k : searcher_kinds()) {
    names.push_back(k.name);
    meaning += (meaning.empty() ? "" : "; ") + k.name + ": " + k.meaning;
  }
  reader.word("kind", kind, names, meaning);
  SearcherFactory factory;
  for (const SearcherKind& k : searcher_kinds()) {
    if (reader.describing()) k.read(reader, objectives);
    if (!reader.describing() && k.name == kind) factory = k.read(reader, objectives);
  }
  return factory;
}

}  // namespace lathe::search
