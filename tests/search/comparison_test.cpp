#include "search/comparison.hpp"

#include "spaces/network_text.hpp"
#include "tests/search/toy.hpp"
#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>

#include <cmath>

using namespace lathe;
using namespace lathe::search;
using namespace lathe::test;
using nlohmann::json;

namespace {

/// Images by who is right: both, only a, only b, neither.
PairedDifference difference_of(int both, int only_a, int only_b, int neither) {
  std::vector<std::uint8_t> a, b;
  const auto add = [&](int count, std::uint8_t right_a, std::uint8_t right_b) {
    for (int i = 0; i < count; ++i) {
      a.push_back(right_a);
      b.push_back(right_b);
    }
  };
  add(both, 1, 1);
  add(only_a, 1, 0);
  add(only_b, 0, 1);
  add(neither, 0, 0);
  return paired_difference(a, b);
}

/// Accuracies so that image i is right where i is below a share that formula_error decides.
std::vector<Accuracy> formula_accuracies(const std::vector<spaces::NetworkSpec>& nets, int images) {
  std::vector<Accuracy> accuracies;
  for (const spaces::NetworkSpec& net : nets) {
    Accuracy accuracy;
    accuracy.images = images;
    int right = 0;
    for (int i = 0; i < images; ++i) {
      accuracy.correct.push_back(i < (1 - formula_error(net)) * images);
      right += accuracy.correct.back();
    }
    accuracy.accuracy = double(right) / images;
    accuracies.push_back(std::move(accuracy));
  }
  return accuracies;
}

ProofDevice formula_device(double noise) {
  return {"latency", "formula", latency::Clock::thread_cpu,
          [noise](const std::vector<latency::Item>& items) {
            std::vector<std::variant<latency::NetworkMeasurement, Failure>> results;
            for (std::size_t i = 0; i < items.size(); ++i) {
              latency::NetworkMeasurement measured;
              measured.entry.median =
                  FormulaLatency().predict(items[i].net) * (1 + noise * std::sin(double(i)));
              results.emplace_back(measured);
            }
            return results;
          }};
}

double measured_of(const json& network, const std::string& table = "formula") {
  return network.at("latency_ms").at(table).at("measured").get<double>();
}
double predicted_of(const json& network, const std::string& table = "formula") {
  return network.at("latency_ms").at(table).at("predicted").get<double>();
}

}  // namespace

TEST_CASE("the paired interval is Newcombe's method 10", "[search][golden]") {
  // Newcombe 1998 (paired), 36/12/2/0; Altman et al. 2000, Statistics with confidence, table 6.2.
  const PairedDifference newcombe = difference_of(36, 12, 2, 0);
  CHECK(newcombe.difference == Approx(0.2));
  CHECK(newcombe.low == Approx(0.0569).margin(5e-5));
  CHECK(newcombe.high == Approx(0.3404).margin(5e-5));
  const PairedDifference altman = difference_of(14, 5, 0, 22);
  CHECK(altman.difference == Approx(0.122).margin(5e-4));
  CHECK(altman.low == Approx(0.011).margin(5e-4));
  CHECK(altman.high == Approx(0.226).margin(5e-4));
  CHECK(altman.only_a == 5);
  CHECK(altman.only_b == 0);
  CHECK(altman.images == 41);
}

TEST_CASE("swapping both sides changes the signs, and the ends are sound", "[search][property]") {
  const PairedDifference ab = difference_of(60, 20, 12, 30), ba = difference_of(60, 12, 20, 30);
  CHECK(ab.difference == Approx(-ba.difference));
  CHECK(ab.low == Approx(-ba.high));
  CHECK(ab.high == Approx(-ba.low));
  for (const PairedDifference& d : {difference_of(50, 0, 0, 0), difference_of(0, 0, 0, 50),
                                    difference_of(30, 0, 0, 20), difference_of(0, 50, 0, 0)}) {
    CHECK(d.low <= d.difference);
    CHECK(d.high >= d.difference);
    CHECK(d.low >= -1);
    CHECK(d.high <= 1 + 1e-12);
    CHECK(std::isfinite(d.low + d.high));
  }
  CHECK_THROWS_AS(paired_difference({}, {}), LogicError);
  CHECK_THROWS_AS(paired_difference({1}, {1, 0}), LogicError);
}

TEST_CASE("more images make the interval narrower", "[search]") {
  const PairedDifference few = difference_of(60, 14, 6, 20),
                         many = difference_of(600, 140, 60, 200);
  CHECK(few.low < 0);
  CHECK(many.low > 0);
  CHECK(many.high - many.low < few.high - few.low);
}

TEST_CASE("the chosen network is compared with hand-made ones as fast as it", "[search]") {
  const auto space = tiny_space();
  const Feasibility feasibility = toy_feasibility(space);
  Rng rng(8);
  const Proposal chosen = feasibility.propose(space.sample(rng));
  ComparisonOptions options;
  options.networks = 6;
  const auto test = [](const std::vector<spaces::NetworkSpec>& nets) {
    return formula_accuracies(nets, 600);
  };
  const json result =
      compare_with_uniform(feasibility, chosen, {formula_device(0.1)}, test, options);
  CHECK(result.at("chosen").at("network") == spaces::to_text(space, chosen.arch));
  CHECK(result.at("images") == 600);
  REQUIRE(result.at("networks").size() > 0);
  CHECK(result.at("networks").size() + result.at("measured_elsewhere").get<std::size_t>() == 6);
  const double chosen_ms = measured_of(result.at("chosen"));
  double best = 0;
  for (const json& network : result.at("networks")) {
    CHECK(std::abs(measured_of(network) / chosen_ms - 1) <= 0.1);
    CHECK(std::abs(predicted_of(network) / chosen.costs[0] - 1) <= 0.15);
    const double low = network.at("interval")[0].get<double>(),
                 high = network.at("interval")[1].get<double>();
    CHECK(network.at("chosen_is") == (low > 0 ? "better" : high < 0 ? "worse" : "no difference"));
    CHECK(network.at("difference").get<double>() ==
          Approx(result.at("chosen").at("accuracy").get<double>() -
                 network.at("accuracy").get<double>()));
    best = std::max(best, network.at("accuracy").get<double>());
  }
  CHECK(result.at("best_hand_made").at("accuracy") == best);
  CHECK(result.at("chosen_is") == result.at("best_hand_made").at("chosen_is"));
}

TEST_CASE("a hand-made network is compared only if it is as fast on every device", "[search]") {
  const auto space = tiny_space();
  const Feasibility feasibility = toy_feasibility(space);
  Rng rng(8);
  const Proposal chosen = feasibility.propose(space.sample(rng));
  ComparisonOptions options;
  options.networks = 6;
  // The other device has no cost in the search. It prefers blocks to MACs: 1 ms each.
  const auto by_blocks = [](const spaces::NetworkSpec& net) {
    return Micros(1000.0 * static_cast<double>(net.blocks.size()));
  };
  ProofDevice other = formula_device(0);
  other.cost = "latency.other";
  other.table = "other";
  other.predict = by_blocks;
  other.measure = [by_blocks](const std::vector<latency::Item>& items) {
    std::vector<std::variant<latency::NetworkMeasurement, Failure>> results;
    for (const latency::Item& item : items) {
      latency::NetworkMeasurement measured;
      measured.entry.median = by_blocks(item.net);
      results.emplace_back(measured);
    }
    return results;
  };
  const auto test = [](const std::vector<spaces::NetworkSpec>& nets) {
    return formula_accuracies(nets, 600);
  };
  const json one = compare_with_uniform(feasibility, chosen, {formula_device(0)}, test, options);
  const json both =
      compare_with_uniform(feasibility, chosen, {formula_device(0), other}, test, options);
  CHECK(both.at("tables") == json({"formula", "other"}));
  const auto blocks = static_cast<double>(chosen.net.blocks.size());
  CHECK(measured_of(both.at("chosen"), "other") == blocks);
  CHECK(predicted_of(both.at("chosen"), "other") == blocks);
  REQUIRE(both.at("networks").size() > 0);
  bool elsewhere = false;
  for (const json& network : both.at("networks")) {
    CHECK(std::abs(measured_of(network, "other") / blocks - 1) <= 0.1);
    CHECK(std::abs(measured_of(network) / measured_of(both.at("chosen")) - 1) <= 0.1);
  }
  for (const json& network : one.at("networks")) {
    const auto arch =
        spaces::parse_network(space, network.at("network").get<std::string>(), "t").arch;
    const auto count = static_cast<double>(space.decode(arch).blocks.size());
    elsewhere = elsewhere || std::abs(count / blocks - 1) > 0.1;
  }
  CHECK(elsewhere);
}

TEST_CASE("an interval that contains 0 is no difference", "[search]") {
  const auto space = tiny_space();
  const Feasibility feasibility = toy_feasibility(space);
  Rng rng(8);
  const Proposal chosen = feasibility.propose(space.sample(rng));
  for (const auto& [right_of_others, verdict] : std::vector<std::pair<int, std::string>>{
           {50, "better"}, {97, "no difference"}, {150, "worse"}}) {
    const auto test = [right = right_of_others](const std::vector<spaces::NetworkSpec>& nets) {
      std::vector<Accuracy> accuracies;
      for (std::size_t n = 0; n < nets.size(); ++n) {
        Accuracy accuracy;
        accuracy.images = 200;
        for (int i = 0; i < 200; ++i) accuracy.correct.push_back(i < (n == 0 ? 100 : right));
        accuracy.accuracy = (n == 0 ? 100 : right) / 200.0;
        accuracies.push_back(accuracy);
      }
      return accuracies;
    };
    const json result =
        compare_with_uniform(feasibility, chosen, {formula_device(0)}, test, ComparisonOptions{});
    CHECK(result.at("chosen_is") == verdict);
  }
}

TEST_CASE("no hand-made network as fast is said", "[search]") {
  const auto space = tiny_space();
  const Feasibility feasibility = toy_feasibility(space);
  ComparisonOptions options;
  options.predicted_within = 0;
  Rng rng(8);
  const Proposal chosen = feasibility.propose(space.sample(rng));
  const json result = compare_with_uniform(
      feasibility, chosen, {formula_device(0)},
      [](const std::vector<spaces::NetworkSpec>& nets) { return formula_accuracies(nets, 100); },
      options);
  CHECK(result.at("networks").empty());
  CHECK(result.at("chosen_is") == "not compared: no hand-made network is as fast");
}
