#pragma once

#include "search/feasibility.hpp"
#include "search/searcher.hpp"
#include "spaces/base/config_reader.hpp"
#include "spaces/base/rng.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace lathe::search {

/// Makes a searcher with the options that were read; the Feasibility outlives the searcher.
using SearcherFactory =
    std::function<std::unique_ptr<Searcher>(const Feasibility& feasibility, const Rng& rng)>;

/// One kind of searcher: a row of the table in registry.cpp. docs/add-a-searcher.md
struct SearcherKind {
  std::string name;     ///< "evolution", as in the config
  std::string meaning;  ///< for lathe config explain
  /// Declares the kind's own keys (in the object "searcher") and keeps what they say; refuses
  /// objectives of the run that it can't go by.
  std::function<SearcherFactory(ConfigReader&, const std::vector<std::string>& objectives)> read;
};

/// All kinds, in the order of the documentation.
const std::vector<SearcherKind>& searcher_kinds();

/// Reads the object "searcher": its "kind" and that kind's keys, for a run with these objectives;
/// in describe mode the keys of all kinds.
SearcherFactory read_searcher(ConfigReader& reader, const std::vector<std::string>& objectives);

}  // namespace lathe::search
