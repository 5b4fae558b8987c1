#include "supernet/training/train_config.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/json_io.hpp"
#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>

using namespace lathe;
using namespace lathe::supernet;

namespace {

nlohmann::json least() {
  return nlohmann::json::parse(R"({"format": "lathe.train", "version": 1, "space": "tiny",
    "data": {"path": "images.tar"}, "phases": [{"name": "full", "epochs": 3, "lr": 0.1}]})");
}

/// The words with which the least config is refused once `pointer` holds `value`.
std::string refusal(const std::string& pointer, const nlohmann::json& value) {
  nlohmann::json config = least();
  config[nlohmann::json::json_pointer(pointer)] = value;
  try {
    read_train_config(config, "configs/t.json");
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "read";
}

}  // namespace

TEST_CASE("a config's defaults are the documented ones", "[supernet][config]") {
  const TrainConfig config = read_train_config(least(), "configs/t.json");
  CHECK(config.data.path == std::filesystem::path("configs/images.tar"));
  CHECK(config.data.validation_per_class == 50);
  CHECK(config.batch_size == 128);
  CHECK(config.bn_images == 2000);
  CHECK(config.label_smoothing == 0.1);
  CHECK(config.probes == std::vector<std::string>{"largest", "smallest"});
  REQUIRE(config.phases.size() == 1);
  CHECK(config.phases[0].subnets_per_step == 1);
  CHECK(config.phases[0].open.empty());
  CHECK(config.phases[0].sort_channels);
}

TEST_CASE("OFA's whole schedule, as train-a-supernet.md gives it, is read", "[supernet][config]") {
  const std::string page = read_file("docs/train-a-supernet.md");
  const std::string open = "```json\n";
  const std::size_t begin = page.find(open) + open.size();
  const auto phases = parse_json(page.substr(begin, page.find("```", begin) - begin),
                                 "train-a-supernet.md", Comments::refused);
  nlohmann::json value = least();
  value["phases"] = phases;
  const TrainConfig config = read_train_config(value, "t.json");
  REQUIRE(config.phases.size() == 6);
  REQUIRE(config.phases[2].open.at("depth").size() == 2);
  CHECK(config.phases[2].open.at("depth")[1].number == 4);
  CHECK(config.phases[2].open.at("kernel").empty());
  CHECK(config.phases[5].subnets_per_step == 4);
  CHECK(config.phases[5].lr == 0.24);
}

TEST_CASE("wrong values are refused with file, key, expected and found", "[supernet][config]") {
  CHECK(refusal("/seed", 5) == "read");
  CHECK_THAT(refusal("/phases/0/lr", 0), ContainsSubstring("configs/t.json") &&
                                             ContainsSubstring("/phases/0/lr") &&
                                             ContainsSubstring("got 0"));
  CHECK_THAT(refusal("/phases/0/epochs", 0), ContainsSubstring("/phases/0/epochs"));
  CHECK_THAT(refusal("/phases/0/sandwich", true),
             ContainsSubstring("/phases/0/subnets_per_step: expected at least 2 where sandwich is "
                               "true, got 1") &&
                 ContainsSubstring("the largest and the smallest are two"));
  CHECK_THAT(refusal("/phases/1", {{"name", "all"},
                                   {"epochs", 1},
                                   {"lr", 0.1},
                                   {"sandwich", true},
                                   {"subnets_per_step", 3},
                                   {"distillation", 1}}),
             ContainsSubstring("/phases/1/distillation: expected 0 where sandwich is true"));
  CHECK_THAT(refusal("/phases", nlohmann::json::array()), ContainsSubstring("at least one phase"));
  CHECK_THAT(refusal("/phases/0/distillation", 1),
             ContainsSubstring("/phases/0/distillation: expected 0 in the first phase"));
  CHECK_THAT(refusal("/phases/1", {{"name", "full"}, {"epochs", 1}, {"lr", 0.1}}),
             ContainsSubstring("/phases/1/name: expected a name of its own, got full again"));
  CHECK_THAT(refusal("/phases/0/name", "a,b"), ContainsSubstring("without comma"));
  CHECK_THAT(refusal("/phases/0/open", {{"kernel", "some"}}),
             ContainsSubstring("/phases/0/open: expected for \"kernel\" \"all\" or a list"));
  CHECK_THAT(refusal("/phases/0/open", {{"kernel", {3, true}}}), ContainsSubstring("got true"));
  CHECK_THAT(refusal("/phases/0/opne", {}), ContainsSubstring("opne") && ContainsSubstring("open"));
  CHECK_THAT(refusal("/device", "cuda"),
             ContainsSubstring("expected \"cpu\" or \"cuda:N\", got cuda"));
  CHECK_THAT(refusal("/device", "cuda:x"), ContainsSubstring("got cuda:x"));
  CHECK(refusal("/device", "cuda:1") == "read");
  CHECK_THAT(refusal("/probes", {"larges"}),
             ContainsSubstring("largest, smallest or random, got larges"));
  CHECK_THAT(refusal("/momentum", 1.0), ContainsSubstring("/momentum"));
  CHECK_THAT(refusal("/batch_size", 1), ContainsSubstring("/batch_size"));
  CHECK_THAT(refusal("/checkpoint_interval", "30"), ContainsSubstring("/checkpoint_interval"));
  CHECK_THAT(refusal("/data", nlohmann::json::object()),
             ContainsSubstring("/data") && ContainsSubstring("path"));
  CHECK_THAT(refusal("/format", "lathe.search"), ContainsSubstring("lathe.train"));
}

TEST_CASE("the shipped training configs are read whole", "[supernet][config]") {
  for (const char* name : {"quickstart", "smoke"}) {
    const std::string file = std::string("configs/train/") + name + ".json";
    INFO(file);
    const TrainConfig config = read_train_config(load_json(file, Comments::allowed), file);
    CHECK(config.phases.size() == 4);
    CHECK(std::filesystem::exists(config.data.path));
  }
}

TEST_CASE("explaining a training config names every key", "[supernet][config]") {
  TrainConfig config;
  const std::string text = ConfigReader::describe([&](ConfigReader& r) { config.read(r); });
  for (const char* key : {"space", "data.path", "phases.N.open", "phases.N.lr", "bn_images",
                          "checkpoint_interval", "collapse_below"})
    CHECK_THAT(text, ContainsSubstring(key));
}
