// Every broken form of a run's manifest.

#include "tests/support/broken_files.hpp"

#include "spaces/base/json_io.hpp"
#include "spaces/base/run_dir.hpp"
#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>

using namespace lathe;
using test::BrokenFiles;
using test::Mutation;

TEST_CASE("every broken manifest is refused", "[base][broken]") {
  const std::string text = R"({
    "format": "lathe.run", "version": 1, "kind": "search", "status": "complete",
    "started": "2026-11-21T15:20:52Z", "ended": null, "program": "0.1.0", "revision": "0e4de83",
    "dirty": false, "compiler": "GNU 12.2.0", "build_type": "Release",
    "libraries": {"nlohmann_json": "3.11.2"}, "command_line": ["lathe", "search"],
    "seed": 1, "threads": 2, "host": {"system": "Linux", "cpu": "AMD EPYC", "processors": 2},
    "inputs": [{"name": "table", "file": "/a/b.json", "sha256": "00"}],
    "outputs": [{"file": "front.json", "sha256": "00"}],
    "facts": {"train_run": "runs/train"},
    "resumed": [{"date": "2026-11-21T15:20:52Z", "threads": 2, "command_line": ["lathe"],
      "version": "0.1.0", "revision": "0e4de83", "dirty": false, "compiler": "GNU 12.2.0",
      "build_type": "Release"}]})";
  BrokenFiles files{"manifest.json", text,
                    [](const auto& file) { RunDir::read_manifest(file.parent_path(), "search"); }};
  files.missing = "without manifest.json";
  files.lawful = {{"/libraries", {Mutation::misspelt}},
                  {"/facts", {Mutation::unknown, Mutation::misspelt}},
                  {"/facts/train_run", {Mutation::integer, Mutation::fraction, Mutation::object}},
                  {"/ended", {Mutation::text}},
                  {"/seed", {Mutation::huge, Mutation::unsigned64}}};
  test::check_broken_files(files);
}
