#pragma once

#include "search/search_loop.hpp"

#include <nlohmann/json_fwd.hpp>

#include <filesystem>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

// The files of a search run: docs/file-formats/run-directory.md.

namespace lathe::search {

/// The box that a hypervolume is a share of. Both corners follow from space, tables and bounds
/// alone, so that searches with the same of these compare: the error from 0 to 1; a cost from the
/// least that the space can reach to 1.1 times its bound, or the most that the space can reach.
struct HypervolumeBox {
  Scores ideal, reference;
};
HypervolumeBox hypervolume_box(const Feasibility& feasibility,
                               const std::vector<std::string>& objectives);
double share_of_box(const ParetoFront& front, const Scores& ideal, const Scores& reference);

/// A network as it stands in evaluated.jsonl, front.json, best.json: {"index", "network", "genes",
/// "error", "objectives": {...}, "costs": {...} of what is constrained but no objective}; in place
/// of error and objectives {"failure"} where evaluating failed.
nlohmann::json record_of(const Evaluated& evaluated, int index, const Feasibility& feasibility,
                         const std::vector<std::string>& objectives);

/// One line of evaluated.jsonl, read back.
struct LoggedResult {
  spaces::Architecture arch;
  std::variant<Scores, Failure> scores;
};
/// In order; empty if there is no file. A torn last line is left out. Throws FormatError.
std::vector<LoggedResult> read_evaluated(const std::filesystem::path& file,
                                         const spaces::SearchSpace& space,
                                         const std::vector<std::string>& objectives);
/// The same for the text of a file, named `file` in messages.
std::vector<LoggedResult> parse_evaluated(std::string_view text, const std::filesystem::path& file,
                                          const spaces::SearchSpace& space,
                                          const std::vector<std::string>& objectives);

/// The end of one round of the loop.
struct Round {
  std::size_t evaluated = 0;             ///< networks so far
  double elapsed_s = 0, evaluate_s = 0;  ///< of the run so far; of the round's evaluations
};
/// What state.json says beside the searcher's own.
struct SavedState {
  double elapsed_s = 0;
  std::vector<Round> rounds;
};
/// The contents of state.json; `setup` identifies what is searched.
nlohmann::json state_json(const nlohmann::json& setup, const SavedState& state,
                          const Searcher& searcher);
/// Reads it from the text of a file, named `file` in messages, and restores the searcher.
/// ConfigError if it is of another setup, FormatError if it is no such state.
SavedState parse_state(std::string_view text, const std::filesystem::path& file,
                       const nlohmann::json& setup, Searcher& searcher);

struct HistoryRow {
  std::size_t evaluations = 0;
  double hypervolume = 0, best_error = 0;  ///< best_error infinite: no result yet
};
/// "evaluations,hypervolume,best_error"; an empty last cell where there is no result yet.
std::string history_csv(const std::vector<HistoryRow>& rows);
/// "round,evaluations,elapsed_s,evaluate_s".
std::string timing_csv(const std::vector<Round>& rounds);

/// The contents of front.json.
nlohmann::json front_json(const SearchResult& result, const Feasibility& feasibility,
                          const std::vector<std::string>& objectives);

/// The value, or null if it is not finite.
nlohmann::json number_or_null(double value);

}  // namespace lathe::search
