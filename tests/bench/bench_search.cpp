// The torch-free parts: spaces, tables, search. Run from the root of the source tree, where
// configs/ and tests/data/ lie.

#include "latency/latency_model.hpp"
#include "search/evolution_searcher.hpp"
#include "search/hypervolume.hpp"
#include "search/pareto_front.hpp"
#include "search/search_loop.hpp"
#include "search/tabular_evaluator.hpp"
#include "spaces/additive_cost.hpp"
#include "spaces/cost.hpp"
#include "spaces/lower.hpp"
#include "spaces/network_text.hpp"
#include "tests/bench/bench.hpp"
#include "tests/search/race.hpp"
#include "tests/support/recording_sink.hpp"
#include "tests/support/scratch_folder.hpp"

#include <cmath>
#include <memory>
#include <set>

namespace lathe::bench {
namespace {

using spaces::Architecture;
using spaces::SearchSpace;
using Work = std::function<void(std::int64_t)>;

constexpr std::size_t kNetworks = 1024;  // sampled ahead, and used in turn

SearchSpace load(const char* name) {
  return SearchSpace::load(spaces::parse_space_name(name), "configs");
}

std::vector<Architecture> sampled(const SearchSpace& space) {
  std::vector<Architecture> networks;
  for (std::size_t i = 0; i < kNetworks; ++i) {
    Rng rng = Rng(1).stream("bench", i);
    networks.push_back(space.sample(rng));
  }
  return networks;
}

/// Calls `one` on the samples of ofa-mbv3 in turn.
template <typename F>
Work on_samples(const SearchSpace& space, F one) {
  return [networks = sampled(space), one](std::int64_t items) {
    for (std::int64_t i = 0; i < items; ++i) {
      one(networks[static_cast<std::size_t>(i) % kNetworks]);
    }
  };
}

Work decode() {
  const SearchSpace space = load("ofa-mbv3");
  return on_samples(space, [space](const Architecture& arch) { keep(space.decode(arch)); });
}

Work decode_and_lower() {
  const SearchSpace space = load("ofa-mbv3");
  return on_samples(space,
                    [space](const Architecture& arch) { keep(spaces::lower(space.decode(arch))); });
}

Work additive_cost() {
  const SearchSpace space = load("ofa-mbv3");
  const spaces::AdditiveCost macs(space, [](const spaces::Placed& placed) {
    return static_cast<double>(spaces::count(placed.block).macs);
  });
  return on_samples(space, [macs](const Architecture& arch) { keep(macs(arch)); });
}

Work sample_canonical() {
  const SearchSpace space = load("ofa-mbv3");
  return [space](std::int64_t items) {
    Rng rng(1);
    for (std::int64_t i = 0; i < items; ++i) keep(space.canonical(space.sample(rng)));
  };
}

Work network_text() {
  const SearchSpace space = load("ofa-mbv3");
  return on_samples(space, [space](const Architecture& arch) {
    keep(spaces::parse_network(space, spaces::to_text(space, arch), "bench"));
  });
}

Work load_space() {
  return [](std::int64_t items) {
    for (std::int64_t i = 0; i < items; ++i) keep(load("ofa-mbv3"));
  };
}

/// A table of every block that the space can reach, its values made up.
std::shared_ptr<const latency::LatencyTable> made_up_table(const SearchSpace& space) {
  auto table = std::make_shared<latency::LatencyTable>(latency::LatencyTable::Header{});
  const spaces::AdditiveCost visit(space, [&](const spaces::Placed& placed) {
    latency::Entry entry;
    entry.statistic = Micros(5 + static_cast<double>(spaces::count(placed.block).macs) / 2000);
    table->set(key(placed.block), placed.precision, entry);
    return 0.0;
  });
  return table;
}

Work table_at() {
  const SearchSpace space = load("ofa-mbv3:resolution=160");
  const auto table = made_up_table(space);
  std::vector<spaces::Placed> blocks;
  for (const Architecture& arch : sampled(space)) {
    for (const spaces::Placed& placed : space.decode(arch).blocks) blocks.push_back(placed);
  }
  return [table, blocks](std::int64_t items) {
    for (std::int64_t i = 0; i < items; ++i) {
      keep(table->at(blocks[static_cast<std::size_t>(i) % blocks.size()]));
    }
  };
}

Work table_predict() {
  const SearchSpace space = load("ofa-mbv3:resolution=160");
  const std::shared_ptr<const latency::LatencyModel> model =
      latency::make_table_model(made_up_table(space));
  std::vector<spaces::NetworkSpec> nets;
  for (const Architecture& arch : sampled(space)) nets.push_back(space.decode(arch));
  return [model, nets](std::int64_t items) {
    for (std::int64_t i = 0; i < items; ++i) {
      keep(model->predict(nets[static_cast<std::size_t>(i) % nets.size()]));
    }
  };
}

/// Points on the positive part of the unit sphere, mirrored: a front of that many objectives.
std::vector<search::Scores> front_points(std::size_t count, std::size_t objectives) {
  Rng rng(1);
  std::vector<search::Scores> points;
  for (std::size_t i = 0; i < count; ++i) {
    search::Scores point;
    double length = 0;
    for (std::size_t m = 0; m < objectives; ++m) {
      point.push_back(std::abs(rng.normal()));
      length += point.back() * point.back();
    }
    for (double& value : point) value = 1 - value / std::sqrt(length);
    points.push_back(std::move(point));
  }
  return points;
}

Work hypervolume(std::size_t count, std::size_t objectives) {
  return [points = front_points(count, objectives),
          reference = search::Scores(objectives, 1.1)](std::int64_t items) {
    for (std::int64_t i = 0; i < items; ++i) keep(search::hypervolume(points, reference));
  };
}

/// 1,000 points at random in the unit square, a new front for each thousand.
Work insert_into_front() {
  Rng rng(1);
  std::vector<search::Scores> points;
  for (int i = 0; i < 1000; ++i) points.push_back({rng.uniform(), rng.uniform()});
  return [points](std::int64_t items) {
    search::ParetoFront front;
    for (std::int64_t i = 0; i < items; ++i) {
      const auto place = static_cast<std::size_t>(i) % points.size();
      if (place == 0) front = {};
      keep(front.insert({static_cast<int>(place), points[place]}));
    }
  };
}

/// Whole searches of a table by NSGA-II with all their files, up to 900 evaluations each: what a
/// search costs besides evaluating.
Work search_evaluations() {
  const SearchSpace space = load("nas-bench-macro");
  const auto table = std::make_shared<search::TabularEvaluator>(
      search::TabularEvaluator::load("tests/data/formula-table.json", space));
  const auto feasibility =
      std::make_shared<search::Feasibility>(test::tabular_feasibility(space, *table));
  return [table, feasibility](std::int64_t items) {
    for (std::int64_t done = 0; done < items; done += 900) {
      const int evaluations = static_cast<int>(std::min<std::int64_t>(items - done, 900));
      search::EvolutionSearcher searcher(*feasibility, {}, Rng(1));
      const test::ScratchFolder folder;
      test::RecordingSink sink;
      search::SearchSetup setup{*feasibility, searcher, *table, {"error", "macs"}};
      setup.evaluations = evaluations;
      setup.chunk = 1;
      keep(search::run_search(setup, folder.path(), sink).hypervolume);
    }
  };
}

}  // namespace
}  // namespace lathe::bench

int main(int argc, char** argv) {
  using namespace lathe::bench;
  return run_all(argc, argv,
                 {{"load-space", "space", load_space},
                  {"sample-canonical", "network", sample_canonical},
                  {"decode", "network", decode},
                  {"decode-lower", "network", decode_and_lower},
                  {"additive-cost", "network", additive_cost},
                  {"network-text", "network", network_text},
                  {"table-at", "block", table_at},
                  {"table-predict", "network", table_predict},
                  {"front-insert", "point", insert_into_front},
                  {"hypervolume-2d-100", "front", [] { return hypervolume(100, 2); }},
                  {"hypervolume-3d-100", "front", [] { return hypervolume(100, 3); }},
                  {"hypervolume-4d-50", "front", [] { return hypervolume(50, 4); }},
                  {"search-evaluation", "evaluation", search_evaluations}});
}
