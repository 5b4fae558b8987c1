#include "search/result_files.hpp"

#include "spaces/base/config_reader.hpp"
#include "spaces/base/error.hpp"
#include "spaces/base/json_io.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

namespace lathe::search {
namespace {

using nlohmann::json;

constexpr double kMost = std::numeric_limits<double>::max();
constexpr int kMostInt = std::numeric_limits<int>::max();
constexpr std::int64_t kMostInt64 = std::numeric_limits<std::int64_t>::max();

/// An object of numbers by name; each of `names` has to be among them.
void check_numbers(ConfigReader& r, const std::string& key, const std::vector<std::string>& names) {
  std::vector<std::string> found;
  r.entries(
      key,
      [&](const std::string& name, const json& value) {
        if (!value.is_number()) r.refuse(key, "a number for " + quote(name), value.dump());
        found.push_back(name);
      },
      "numbers by name");
  for (const std::string& name : names) {
    if (std::find(found.begin(), found.end(), name) != found.end()) continue;
    const std::string near = nearest_word(name, found);
    r.refuse(key, "a number for " + quote(name), "none",
             near.empty() ? "" : "the key " + near + " looks like a misspelling of it");
  }
}

void check_count(ConfigReader& r, const std::string& key) {
  std::int64_t count = 0;
  r.required().integer64(key, count, {0, kMostInt64}, "a count");
}

/// A network as it stands in all these files.
void check_record(ConfigReader& r, const std::vector<std::string>& objectives) {
  int index = 0;
  std::string text;
  std::vector<int> genes;
  double error = 0;
  r.required().integer("index", index, {0, kMostInt}, "place in evaluated.jsonl");
  r.required().string("network", text, "one-line text");
  r.required().integers("genes", genes, {0, 255}, "choice of each decision");
  check_numbers(r, "costs", {});
  if (r.has("failure")) return r.string("failure", text, "why there is no result");
  r.required().number("error", error, {0, kMost}, "1 - accuracy");
  check_numbers(r.required(), "objectives", objectives);
}

/// What one device made of a network.
void check_latency(ConfigReader& r) {
  double ms = 0;
  int samples = 0;
  bool flag = false;
  std::string word;
  r.required().word("clock", word, {"thread_cpu", "steady"}, "what ranks");
  for (const char* key : {"predicted", "budget"}) r.number(key, ms, {0, kMost}, "ms");
  if (r.has("failure")) return r.string("failure", word, "why it was not measured");
  if (!r.has("measured")) r.refuse("", "the key measured or failure", "neither");
  for (const char* key : {"measured", "p90", "spread", "wall_median"}) {
    r.required().number(key, ms, {0, kMost}, "ms");
  }
  r.required().integer("samples", samples, {1, kMostInt}, "runs");
  r.number("gap", ms, {-kMost, kMost}, "measured / predicted - 1");
  for (const char* key : {"within_budget", "wall_within_budget"}) {
    if (r.has("budget")) r.required();
    r.boolean(key, flag, "whether it was held");
  }
}

/// `where`: the place of the object that has them.
void check_latencies(ConfigReader& r, const std::string& where) {
  r.entries(
      "latency_ms",
      [&](const std::string& table, const json& value) {
        ConfigReader::read(value, where + "/latency_ms/" + table, Strictness::data, check_latency);
      },
      "by table");
}

void check_measured_networks(ConfigReader& r, const std::string& file, const std::string& key) {
  r.required().objects(
      key,
      [&](ConfigReader& network, std::size_t index) {
        bool flag = false;
        check_record(network, {});
        check_latencies(network, file + ": /" + key + "/" + std::to_string(index));
        for (const char* name : {"holds", "short_listed", "on_front"}) {
          network.required().boolean(name, flag, "what became of it");
        }
      },
      "networks measured whole");
}

void check_space(ConfigReader& r) {
  std::string text;
  r.required().string("space", text, "as it was named");
  r.required().string("space_fingerprint", text, "16 hexadecimal digits");
}

void check_front(ConfigReader& r) {
  std::vector<std::string> objectives;
  std::string text;
  json any;
  r.header("lathe.front", 1);
  check_space(r);
  r.required().strings("objectives", objectives, "minimised together");
  if (objectives.empty()) r.refuse("objectives", "at least one objective", "none");
  r.required().entries(
      "units",
      [&](const std::string& name, const json& value) {
        if (!value.is_string()) r.refuse("units", "a text for " + quote(name), value.dump());
      },
      "of the objectives");
  check_numbers(r.required(), "constraints", {});
  r.required().entries(
      "reach",
      [&](const std::string& name, const json& value) {
        if (!value.is_object()) r.refuse("reach", "an object for " + quote(name), value.dump());
      },
      "of each cost");
  check_count(r, "evaluations");
  r.string("stopped", text, "why the search ended");
  r.required().object(
      "hypervolume",
      [&](ConfigReader& volume) {
        double share = 0;
        volume.required().number("share", share, {-kMost, kMost}, "of the box");
        check_numbers(volume.required(), "ideal", objectives);
        check_numbers(volume.required(), "reference", objectives);
      },
      "that the front dominates");
  r.required().objects(
      "points",
      [&](ConfigReader& point, std::size_t) {
        check_record(point, objectives);
        check_count(point, "macs");
        check_count(point, "params");
      },
      "the non-dominated networks");
}

void check_best(ConfigReader& r, const std::string& file) {
  double accuracy = 0;
  bool proved = false;
  r.header("lathe.best", 1);
  check_space(r);
  check_record(r, {});
  r.required().entries(
      "decisions",
      [&](const std::string& name, const json& value) {
        if (value.is_number() || value.is_string()) return;
        r.refuse("decisions", "a number or a word for " + quote(name), value.dump());
      },
      "value of each decision");
  r.required().number("accuracy", accuracy, {-kMost, 1}, "1 - error");
  check_count(r, "macs");
  check_count(r, "params");
  check_latencies(r, file + ": ");
  r.required().boolean("proved", proved, "whether every budget was measured and held");
  check_measured_networks(r, file, "short_list");
}

json checked(std::string_view text, const std::filesystem::path& file,
             const std::function<void(ConfigReader&)>& check) {
  json value = parse_json(text, file.string(), Comments::refused);
  ConfigReader::read(value, file, Strictness::data, check);
  return value;
}

}  // namespace

json parse_front(std::string_view text, const std::filesystem::path& file) {
  return checked(text, file, check_front);
}

json parse_best(std::string_view text, const std::filesystem::path& file) {
  return checked(text, file, [&](ConfigReader& r) { check_best(r, file.string()); });
}

json parse_measured(std::string_view text, const std::filesystem::path& file) {
  return checked(text, file, [&](ConfigReader& r) {
    r.header("lathe.measured", 1);
    check_measured_networks(r, file.string(), "networks");
  });
}

}  // namespace lathe::search
