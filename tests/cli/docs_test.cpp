// The examples in docs/file-formats/ that no other room's test reads are what the program reads and
// writes.

#include "spaces/base/run_dir.hpp"
#include "tests/cli/program.hpp"
#include "tests/support/catch.hpp"

#include <sstream>

using lathe::test::read_text;
using lathe::test::run_lathe;
using lathe::test::TemporaryFolder;
using nlohmann::json;

namespace {

/// What stands between the first fence of that language and its end.
std::string example_in(const std::string& page, const std::string& language) {
  const std::string text = read_text("docs/file-formats/" + page);
  const std::string fence = "```" + language + "\n";
  const std::size_t begin = text.find(fence);
  REQUIRE(begin != std::string::npos);
  return text.substr(begin + fence.size(), text.find("```", begin + 3) - begin - fence.size());
}

std::vector<json> lines_in(const std::string& page) {
  std::istringstream text(example_in(page, "jsonl"));
  std::vector<json> all;
  for (std::string line; std::getline(text, line);) all.push_back(json::parse(line));
  return all;
}

}  // namespace

TEST_CASE("the example of docs/file-formats/events.md is what a sink writes", "[cli][format]") {
  const std::vector<json> events = lines_in("events.md");
  CHECK(events.size() == 2);
  for (const json& event : events) {
    CHECK(event.size() == 5);
    CHECK(event["time"].get<std::string>().size() == 20);
    CHECK(event["elapsed_s"].is_number());
    CHECK(event["level"] == "info");
    CHECK(event["name"].is_string());
    CHECK(event["fields"].is_object());
  }
}

TEST_CASE("the network of docs/file-formats/architecture.md is read", "[cli][format]") {
  const TemporaryFolder folder;
  lathe::test::write_text(folder / "net.json", example_in("architecture.md", "json"));
  const auto run = run_lathe({"net", (folder / "net.json").string(), "--json"});
  REQUIRE(run.code == 0);
  CHECK(run.lines().front()["network"] == "r28 k5e3 / k3e4 k7e2 / k3e4");  // as the page says
}

TEST_CASE("the manifest of docs/file-formats/run-directory.md is read", "[cli][format]") {
  const TemporaryFolder folder;
  const std::string text = example_in("run-directory.md", "json");
  lathe::test::write_text(folder / "manifest.json", text);
  const json manifest = lathe::RunDir::read_manifest(folder.path(), "train");
  CHECK(manifest == json::parse(text));
  // A run's own manifest has the same keys.
  lathe::RunDir::create(folder / "run", {"train", {"lathe"}, 1, 1}, json::object());
  const json written = lathe::RunDir::read_manifest(folder / "run", "train");
  for (const auto& [key, value] : manifest.items()) {
    INFO(key);
    CHECK(written.contains(key));
  }
  CHECK(written.size() == manifest.size());
}

TEST_CASE("the results of docs/file-formats/run-directory.md are networks", "[cli][format]") {
  const std::vector<json> results = lines_in("run-directory.md");
  REQUIRE(results.size() == 2);
  CHECK(results[0]["objectives"]["error"] == results[0]["error"]);
  CHECK(results[1]["failure"].is_string());
}
