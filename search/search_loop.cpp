#include "search/search_loop.hpp"

#include "search/run_files.hpp"
#include "spaces/base/file_io.hpp"
#include "spaces/base/hash.hpp"
#include "spaces/base/json_io.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <limits>

namespace lathe::search {
namespace {

using nlohmann::json;
using Seconds = std::chrono::duration<double>;
using SteadyClock = std::chrono::steady_clock;

/// What identifies a setup: a state of another one is refused.
json setup_json(const SearchSetup& setup) {
  const Feasibility& feasibility = setup.feasibility;
  json bounds = json::object();
  for (std::size_t i = 0; i < feasibility.costs().size(); ++i) {
    if (feasibility.bounds()[i]) bounds[feasibility.costs()[i]] = *feasibility.bounds()[i];
  }
  return {{"space", feasibility.space().name()},
          {"space_fingerprint", hex(feasibility.space().fingerprint())},
          {"objectives", setup.objectives},
          {"bounds", bounds},
          {"evaluations", setup.evaluations}};
}

/// Where each objective's value comes from: the evaluator's values, or a proposal's costs.
struct Source {
  bool supplied = false;
  std::size_t index = 0;
};

std::vector<Source> sources_of(const SearchSetup& setup) {
  const std::vector<std::string> supplied = setup.evaluator.supplies();
  std::vector<Source> sources;
  for (const std::string& name : setup.objectives) {
    const auto place = std::find(supplied.begin(), supplied.end(), name);
    if (place != supplied.end()) {
      sources.push_back({true, static_cast<std::size_t>(place - supplied.begin())});
    } else {
      const std::optional<std::size_t> cost = setup.feasibility.find_cost(name);
      LATHE_CHECK(cost.has_value(), "objective " + name + " is neither evaluated nor a cost");
      sources.push_back({false, *cost});
    }
  }
  return sources;
}

/// One run of the loop: its state and its files.
class Loop {
 public:
  Loop(const SearchSetup& setup, const std::filesystem::path& folder, EventSink& events)
      : setup_(setup),
        folder_(folder),
        events_(events),
        identity_(setup_json(setup)),
        sources_(sources_of(setup)),
        log_(folder / "evaluated.jsonl") {
    const HypervolumeBox box = hypervolume_box(setup.feasibility, setup.objectives);
    result_.ideal = box.ideal;
    result_.reference = box.reference;
    load();
  }

  SearchResult run() {
    save_state();
    while (result_.stopped.empty()) {
      if (stop_rule()) break;
      std::vector<Proposal> proposals = setup_.searcher.ask();
      if (proposals.empty()) {
        result_.stopped = "exhausted";
        break;
      }
      const std::size_t left =
          static_cast<std::size_t>(setup_.evaluations) - result_.evaluated.size();
      if (proposals.size() > left) proposals.resize(left);
      const std::size_t begin = result_.evaluated.size();
      const SteadyClock::time_point start = SteadyClock::now();
      evaluate(proposals);
      end_round(begin, Seconds(SteadyClock::now() - start).count());
    }
    save_results();
    save_state();
    return std::move(result_);
  }

 private:
  double elapsed_s() const {
    return elapsed_before_s_ + Seconds(SteadyClock::now() - start_).count();
  }

  bool out_of_time() const {
    return setup_.time.count() > 0 && elapsed_s() >= Seconds(setup_.time).count();
  }

  bool stop_rule() {
    if (static_cast<int>(result_.evaluated.size()) >= setup_.evaluations) {
      result_.stopped = "evaluations";
    } else if (out_of_time()) {
      result_.stopped = "time";
    }
    return !result_.stopped.empty();
  }

  /// Evaluates and records in chunks; results that are on disk already are taken from there.
  void evaluate(std::vector<Proposal>& proposals) {
    const std::size_t chunk = static_cast<std::size_t>(std::max(setup_.chunk, 1));
    for (std::size_t next = 0; next < proposals.size();) {
      if (next > 0 && out_of_time()) return;
      if (result_.evaluated.size() < logged_.size()) {
        take_logged(std::move(proposals[next++]));
        continue;
      }
      if (events_.stop_requested()) {
        save_results();
        throw Interrupted("interrupted after " + std::to_string(result_.evaluated.size()) +
                          " evaluations; the state is saved, --resume goes on");
      }
      const std::size_t end = std::min(next + chunk, proposals.size());
      std::vector<Proposal> part(std::make_move_iterator(proposals.begin() + std::ptrdiff_t(next)),
                                 std::make_move_iterator(proposals.begin() + std::ptrdiff_t(end)));
      auto values = setup_.evaluator.evaluate(part);
      LATHE_CHECK(values.size() == part.size(), "an evaluator left networks out");
      for (std::size_t i = 0; i < part.size(); ++i) {
        auto scores = scores_of(part[i], std::move(values[i]));
        add({std::move(part[i]), std::move(scores)});
        log_.append(record_of(result_.evaluated.back(), last_index(), setup_.feasibility,
                              setup_.objectives));
      }
      next = end;
      report_progress();
    }
  }

  void take_logged(Proposal proposal) {
    const std::size_t index = result_.evaluated.size();
    const LoggedResult& logged = logged_[index];
    if (logged.arch != proposal.arch) {
      throw FormatError(
          {(folder_ / "evaluated.jsonl").string() + ": line " + std::to_string(index + 1),
           "the network that this search proposes next", "another one",
           "the run was made by another version or configuration; start a new one"});
    }
    add({std::move(proposal), logged.scores});
  }

  std::variant<Scores, Failure> scores_of(const Proposal& proposal,
                                          std::variant<std::vector<double>, Failure> values) const {
    if (auto* failure = std::get_if<Failure>(&values)) return std::move(*failure);
    const auto& supplied = std::get<std::vector<double>>(values);
    Scores scores;
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      const double value =
          sources_[i].supplied ? supplied.at(sources_[i].index) : proposal.costs[sources_[i].index];
      if (!std::isfinite(value)) return Failure{setup_.objectives[i] + " is not finite"};
      scores.push_back(value);
    }
    return scores;
  }

  int last_index() const { return static_cast<int>(result_.evaluated.size()) - 1; }

  void add(Evaluated evaluated) {
    result_.evaluated.push_back(std::move(evaluated));
    if (const auto* scores = std::get_if<Scores>(&result_.evaluated.back().scores)) {
      result_.front.insert({last_index(), *scores});
      if (error_index_ < scores->size())
        best_error_ = std::min(best_error_, (*scores)[error_index_]);
    }
  }

  void end_round(std::size_t begin, double evaluate_s) {
    setup_.searcher.tell(
        {result_.evaluated.begin() + std::ptrdiff_t(begin), result_.evaluated.end()});
    close_round({result_.evaluated.size(), elapsed_s(), evaluate_s});
    if (elapsed_s() - saved_at_s_ >= Seconds(setup_.save_every).count()) {
      save_results();
      save_state();
    }
    const Round& round = rounds_.back();
    const json fields{{"round", rounds_.size()},
                      {"evaluations", round.evaluated},
                      {"best_error", number_or_null(best_error_)},
                      {"hypervolume", result_.hypervolume},
                      {"front", result_.front.points().size()},
                      {"elapsed_s", round.elapsed_s}};
    events_.event({Level::info, "search.generation", fields});
  }

  void close_round(const Round& round) {
    rounds_.push_back(round);
    result_.hypervolume = share_of_box(result_.front, result_.ideal, result_.reference);
    history_.push_back({round.evaluated, result_.hypervolume, best_error_});
  }

  void report_progress() {
    char best[48] = "";
    if (std::isfinite(best_error_))
      std::snprintf(best, sizeof best, "best accuracy %.1f %%", 100 * (1 - best_error_));
    events_.progress({"searching", static_cast<double>(result_.evaluated.size()),
                      static_cast<double>(setup_.evaluations), best});
  }

  void save_results() {
    write_file(folder_ / "history.csv", history_csv(history_));
    write_file(folder_ / "timing.csv", timing_csv(rounds_));
    write_file(folder_ / "front.json",
               dump_json(front_json(result_, setup_.feasibility, setup_.objectives)));
  }

  /// Between a tell and the next ask; what was evaluated later is taken from the log on resuming.
  void save_state() {
    flush_file(folder_ / "evaluated.jsonl");  // never on the disk after what counts on it
    write_file(folder_ / "state.json",
               dump_json(state_json(identity_, {elapsed_s(), rounds_}, setup_.searcher)));
    saved_at_s_ = elapsed_s();
  }

  /// Restores the state after the last whole round; later results are kept to be taken again.
  void load() {
    logged_ =
        read_evaluated(folder_ / "evaluated.jsonl", setup_.feasibility.space(), setup_.objectives);
    const std::filesystem::path file = folder_ / "state.json";
    if (!std::filesystem::exists(file)) return;
    const SavedState state = parse_state(read_file(file), file, identity_, setup_.searcher);
    elapsed_before_s_ = state.elapsed_s;
    for (const Round& round : state.rounds) replay(round, file);
  }

  void replay(const Round& round, const std::filesystem::path& file) {
    if (round.evaluated > logged_.size()) {
      throw FormatError({(folder_ / "evaluated.jsonl").string(),
                         "at least " + std::to_string(round.evaluated) + " lines, as " +
                             file.filename().string() + " says",
                         std::to_string(logged_.size()), "start a new run"});
    }
    while (result_.evaluated.size() < round.evaluated) {
      take_logged(setup_.feasibility.propose(logged_[result_.evaluated.size()].arch));
    }
    close_round(round);
  }

  const SearchSetup& setup_;
  const std::filesystem::path& folder_;
  EventSink& events_;
  const json identity_;
  const std::vector<Source> sources_;
  JsonlWriter log_;
  const SteadyClock::time_point start_ = SteadyClock::now();
  double elapsed_before_s_ = 0, saved_at_s_ = 0;
  std::vector<LoggedResult> logged_;  ///< what evaluated.jsonl held at the start
  std::vector<Round> rounds_;
  std::vector<HistoryRow> history_;
  const std::size_t error_index_ = static_cast<std::size_t>(
      std::find(setup_.objectives.begin(), setup_.objectives.end(), "error") -
      setup_.objectives.begin());
  double best_error_ = std::numeric_limits<double>::infinity();
  SearchResult result_;
};

}  // namespace

SearchResult run_search(const SearchSetup& setup, const std::filesystem::path& folder,
                        EventSink& events) {
  return Loop(setup, folder, events).run();
}

}  // namespace lathe::search
