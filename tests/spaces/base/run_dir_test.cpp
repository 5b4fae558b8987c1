#include "spaces/base/run_dir.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/hash.hpp"
#include "spaces/base/json_io.hpp"
#include "tests/spaces/base/file_size_limit.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/scratch_folder.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <filesystem>
#include <regex>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace lathe;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

const RunDir::Start kStart{"train", {"lathe", "train", "c.json"}, 18446744073709551615u, 2};
const json kConfig = {{"seed", 1}, {"phases", {{{"epochs", 3}}, {{"epochs", 4}}}}};

json manifest_of(const fs::path& folder) { return RunDir::read_manifest(folder, "train"); }

/// A child process that holds the run until it is killed.
class Holder {
 public:
  explicit Holder(const fs::path& folder) {
    std::array<int, 2> ready{};
    REQUIRE(::pipe(ready.data()) == 0);
    child_ = ::fork();
    REQUIRE(child_ >= 0);
    if (child_ == 0) {
      const RunDir run = RunDir::create(folder, kStart, kConfig);
      if (::write(ready[1], "x", 1) != 1) ::_exit(1);
      while (true) ::pause();
    }
    ::close(ready[1]);
    char byte = 0;
    REQUIRE(::read(ready[0], &byte, 1) == 1);
    ::close(ready[0]);
  }
  ~Holder() { kill(); }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;
  void kill() {
    if (child_ == 0) return;
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
    child_ = 0;
  }
  pid_t id() const { return child_; }

 private:
  pid_t child_ = 0;
};

}  // namespace

TEST_CASE("this build knows its version, revision and compiler", "[base]") {
  const Build& build = build_info();
  CHECK(std::regex_match(build.version, std::regex(R"(\d+\.\d+\.\d+)")));
  CHECK(std::regex_match(build.revision, std::regex("[0-9a-f]{40}|unknown")));
  CHECK(std::regex_match(build.compiler, std::regex(R"([A-Za-z]+ \d+\..*)")));
  CHECK_FALSE(build.build_type.empty());
  CHECK(to_json(build) == json({{"version", build.version},
                                {"revision", build.revision},
                                {"dirty", build.dirty},
                                {"compiler", build.compiler},
                                {"build_type", build.build_type}}));
}

TEST_CASE("the time is UTC to the second", "[base]") {
  CHECK(std::regex_match(utc_now(), std::regex(R"(20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ)")));
}

TEST_CASE("a new run has a manifest that says running and the resolved config", "[base]") {
  const test::ScratchFolder scratch;
  const RunDir run = RunDir::create(scratch / "runs/a/", kStart, kConfig);
  CHECK(run.folder() == scratch / "runs/a");
  CHECK(run.file("x.csv") == scratch / "runs/a/x.csv");
  CHECK_FALSE(run.is_complete());
  CHECK(read_file(run.file("config.json")) == dump_json(kConfig));
  CHECK(RunDir::read_config(run.folder()) == kConfig);
  const json manifest = manifest_of(run.folder());
  CHECK(manifest["format"] == "lathe.run");
  CHECK(manifest["version"] == 1);
  CHECK(manifest["kind"] == "train");
  CHECK(manifest["status"] == "running");
  CHECK(manifest["ended"].is_null());
  CHECK(manifest["program"] == build_info().version);
  CHECK(manifest["revision"] == build_info().revision);
  CHECK(manifest["dirty"] == build_info().dirty);
  CHECK(manifest["command_line"] == json{"lathe", "train", "c.json"});
  CHECK(manifest["seed"] == 18446744073709551615u);
  CHECK(manifest["threads"] == 2);
  CHECK(manifest["host"]["processors"].is_number_integer());
  CHECK(manifest["host"]["system"].is_string());
  CHECK(manifest["host"]["cpu"].is_string());
  CHECK(manifest["libraries"]["nlohmann_json"].is_string());
  CHECK(manifest["facts"].empty());
}

TEST_CASE("inputs, facts and outputs stand in the manifest with their hashes", "[base]") {
  const test::ScratchFolder scratch;
  write_file(scratch / "table.json", "abc");
  RunDir run = RunDir::create(scratch / "a", kStart, kConfig);
  run.add_input("table", scratch / "table.json");
  run.add_fact("torch", "2.13.0");
  run.add_fact("images", 3000);
  run.add_fact("torch", "2.13.1");
  write_file(run.file("metrics.csv"), "");
  run.close("complete", {"metrics.csv"});
  CHECK(run.is_complete());
  const json manifest = manifest_of(scratch / "a");
  CHECK(manifest["inputs"] == json::array({{{"name", "table"},
                                            {"file", (scratch / "table.json").string()},
                                            {"sha256", sha256("abc")}}}));
  CHECK(manifest["outputs"] == json::array({{{"file", "metrics.csv"}, {"sha256", sha256("")}}}));
  CHECK(manifest["facts"] == json({{"torch", "2.13.1"}, {"images", 3000}}));
  CHECK(manifest["status"] == "complete");
  CHECK(manifest["ended"].is_string());
  CHECK_THROWS_AS(run.close("done", {}), LogicError);
}

TEST_CASE("a run that is left open has failed, and no lock stays", "[base]") {
  const test::ScratchFolder scratch;
  {
    RunDir run = RunDir::create(scratch / "a", kStart, kConfig);
    CHECK(fs::exists(scratch / "a/lock"));
    const RunDir moved = std::move(run);
  }
  CHECK(manifest_of(scratch / "a")["status"] == "failed");
  CHECK_FALSE(fs::exists(scratch / "a/lock"));
}

TEST_CASE("a name that exists is refused, an empty folder is not", "[base]") {
  const test::ScratchFolder scratch;
  const std::string name = (scratch / "a").string();
  fs::create_directory(scratch / "a");
  CHECK_NOTHROW(RunDir::create(scratch / "a", kStart, kConfig));
  CHECK_THROWS_AS(RunDir::create(scratch / "a", kStart, kConfig), ConfigError);
  CHECK_THROWS_WITH(RunDir::create(scratch / "a", kStart, kConfig),
                    name + ": expected a name that does not exist, got the folder " + name +
                        "; use --resume to go on, or another --out");
  write_file(scratch / "f", "x");
  CHECK_THROWS_WITH(
      RunDir::create(scratch / "f", kStart, kConfig),
      ContainsSubstring("got the file " + (scratch / "f").string() + "; choose another --out"));
  CHECK_THROWS_AS(RunDir::create(scratch / "f/a", kStart, kConfig), ConfigError);
  CHECK(read_file(scratch / "f") == "x");
}

TEST_CASE("one process works on a run; when it is killed another can go on", "[base]") {
  const test::ScratchFolder scratch;
  const std::string name = (scratch / "a").string();
  Holder holder(scratch / "a");
  std::array<char, 256> host{};
  REQUIRE(::gethostname(host.data(), host.size() - 1) == 0);
  const std::string since = manifest_of(scratch / "a")["started"].get<std::string>().substr(0, 14);
  const std::string expected = name +
                               ": expected a run that no other process works on, got one "
                               "that process " +
                               std::to_string(holder.id()) + " on " + host.data() +
                               " works on since " + since;
  CHECK_THROWS_AS(RunDir::resume(scratch / "a", kStart, kConfig), ConfigError);
  CHECK_THROWS_WITH(
      RunDir::resume(scratch / "a", kStart, kConfig),
      ContainsSubstring(expected) && ContainsSubstring("; wait until it has ended, or stop it"));
  CHECK(manifest_of(scratch / "a")["status"] == "running");
  holder.kill();
  RunDir run = RunDir::resume(scratch / "a", kStart, kConfig);
  CHECK_THROWS_WITH(RunDir::resume(scratch / "a", kStart, kConfig),
                    ContainsSubstring("process " + std::to_string(::getpid()) + " on "));
  run.close("complete", {});
  CHECK(manifest_of(scratch / "a")["status"] == "complete");
}

TEST_CASE("what a killed process was writing is removed with its lock, and no more", "[base]") {
  const test::ScratchFolder scratch;
  Holder holder(scratch / "a");
  const std::string mine = ".lathe-" + std::to_string(holder.id()) + "-0.tmp";
  fs::create_directories(scratch / "a/checkpoints/deep");
  for (const std::string& name : {mine, "checkpoints/" + mine, "checkpoints/deep/" + mine,
                                  std::string(".lathe-1-0.tmp"), std::string("a.csv")}) {
    write_file(scratch / ("a/" + name), "x");
  }
  holder.kill();
  RunDir::resume(scratch / "a", kStart, kConfig).close("complete", {});
  CHECK_FALSE(fs::exists(scratch / ("a/" + mine)));
  CHECK_FALSE(fs::exists(scratch / ("a/checkpoints/" + mine)));
  CHECK(fs::exists(scratch / ("a/checkpoints/deep/" + mine)));
  CHECK(fs::exists(scratch / "a/.lathe-1-0.tmp"));
  CHECK(fs::exists(scratch / "a/a.csv"));
}

TEST_CASE("a run that was killed before it had a manifest begins anew", "[base]") {
  const test::ScratchFolder scratch;
  for (const bool resumes : {false, true}) {
    const fs::path run = scratch / (resumes ? "resumed" : "again");
    fs::create_directory(run);
    write_file(run / "config.json", "{");
    // Somebody's folder with a config in it; only our lock tells that a run began there.
    CHECK_THROWS_AS(RunDir::create(run, kStart, kConfig), ConfigError);
    CHECK_THROWS_AS(RunDir::resume(run, kStart, kConfig), FormatError);
    CHECK(read_file(run / "config.json") == "{");
    write_file(run / "lock", "999999999 elsewhere 2026-11-21T10:00:00Z\n");
    write_file(run / ".lathe-999999999-0.tmp", "{");
    RunDir begun =
        resumes ? RunDir::resume(run, kStart, kConfig) : RunDir::create(run, kStart, kConfig);
    CHECK(RunDir::read_config(run) == kConfig);
    CHECK(manifest_of(run)["status"] == "running");
    CHECK(manifest_of(run)["resumed"].empty());
    begun.close("complete", {});
  }
}

TEST_CASE("a run that cannot begin leaves no folder", "[base]") {
  const test::ScratchFolder scratch;
  {
    const test::FileSizeLimit limit(8);
    CHECK_THROWS_AS(RunDir::create(scratch / "x/y/a", kStart, kConfig), ResourceError);
    fs::create_directory(scratch / "empty");
    CHECK_THROWS_AS(RunDir::create(scratch / "empty", kStart, kConfig), ResourceError);
  }
  CHECK_FALSE(fs::exists(scratch / "x"));
  CHECK(fs::is_empty(scratch / "empty"));
}

TEST_CASE("a clock that was set back does not break a run", "[base]") {
  const test::ScratchFolder scratch;
  RunDir::create(scratch / "a", kStart, kConfig).close("interrupted", {});
  json manifest = manifest_of(scratch / "a");
  manifest["started"] = "2126-01-01T00:00:00Z";
  write_file(scratch / "a/manifest.json", dump_json(manifest));
  RunDir::resume(scratch / "a", kStart, kConfig).close("complete", {});
  manifest = manifest_of(scratch / "a");
  CHECK(manifest["started"] == "2126-01-01T00:00:00Z");
  CHECK(manifest["ended"] < manifest["started"]);
}

TEST_CASE("resuming goes on with the same manifest and records how", "[base]") {
  const test::ScratchFolder scratch;
  std::string started;
  {
    RunDir run = RunDir::create(scratch / "a", kStart, kConfig);
    run.add_fact("torch", "2.13.0");
    run.close("interrupted", {});
    started = manifest_of(scratch / "a")["started"];
  }
  RunDir::Start again = kStart;
  again.command_line = {"lathe", "train", "--resume"};
  again.threads = 1;
  {
    RunDir run = RunDir::resume(scratch / "a", again, kConfig);
    CHECK_FALSE(run.is_complete());
    const json manifest = manifest_of(scratch / "a");
    CHECK(manifest["status"] == "running");
    CHECK(manifest["ended"].is_null());
    CHECK(manifest["started"] == started);
    CHECK(manifest["threads"] == 2);
    CHECK(manifest["facts"]["torch"] == "2.13.0");
    REQUIRE(manifest["resumed"].size() == 1);
    CHECK(manifest["resumed"][0]["command_line"] == json{"lathe", "train", "--resume"});
    CHECK(manifest["resumed"][0]["threads"] == 1);
    CHECK(manifest["resumed"][0]["revision"] == build_info().revision);
    run.close("complete", {});
  }
  const std::string complete = read_file(scratch / "a/manifest.json");
  CHECK(RunDir::resume(scratch / "a", again, kConfig).is_complete());
  CHECK(read_file(scratch / "a/manifest.json") == complete);
}

TEST_CASE("resuming with another config names the first difference", "[base]") {
  const test::ScratchFolder scratch;
  RunDir::create(scratch / "a", kStart, kConfig).close("interrupted", {});
  const std::string file = (scratch / "a/config.json").string();
  const std::string remedy = "; leave the change out, or start another run with another --out";
  const auto error = [&](const json& config) -> std::string {
    try {
      RunDir::resume(scratch / "a", kStart, config);
    } catch (const ConfigError& caught) {
      return caught.what();
    }
    return "no error";
  };
  json changed = kConfig;
  changed["phases"][1]["epochs"] = 5;
  CHECK(error(changed) ==
        file + ": /phases/1/epochs: expected 4, with which the run began, got 5" + remedy);
  changed = kConfig;
  changed["a/b"] = std::string(100, 'x');
  CHECK(error(changed) == file + ": /a~1b: expected nothing, with which the run began, got \"" +
                              std::string(59, 'x') + "..." + remedy);
  changed = kConfig;
  changed["phases"].erase(1);
  CHECK(error(changed) ==
        file + ": /phases/1: expected {\"epochs\":4}, with which the run began, got nothing" +
            remedy);
  changed = kConfig;
  changed.erase("seed");
  CHECK(error(changed) ==
        file + ": /seed: expected 1, with which the run began, got nothing" + remedy);
  CHECK(error(kConfig) == "no error");
  RunDir::Start other = kStart;
  other.seed = 6;
  CHECK_THROWS_WITH(RunDir::resume(scratch / "a", other, kConfig),
                    ContainsSubstring("/seed: expected 18446744073709551615, with which the run "
                                      "began, got 6"));
}

TEST_CASE("an input that changed since the run began is refused", "[base]") {
  const test::ScratchFolder scratch;
  write_file(scratch / "table.json", "abc");
  {
    RunDir run = RunDir::create(scratch / "a", kStart, kConfig);
    run.add_input("table", scratch / "table.json");
    run.close("interrupted", {});
  }
  RunDir run = RunDir::resume(scratch / "a", kStart, kConfig);
  CHECK_NOTHROW(run.add_input("table", scratch / "table.json"));
  CHECK(manifest_of(scratch / "a")["inputs"].size() == 1);
  write_file(scratch / "table.json", "abd");
  CHECK_THROWS_AS(run.add_input("table", scratch / "table.json"), FormatError);
  CHECK_THROWS_WITH(run.add_input("table", scratch / "table.json"),
                    (scratch / "table.json").string() +
                        ": expected the table with which the run "
                        "began, SHA-256 " +
                        sha256("abc") + ", got " + sha256("abd") +
                        "; restore it, or start another run");
}

TEST_CASE("what is no run of the kind is refused", "[base]") {
  const test::ScratchFolder scratch;
  const std::string name = (scratch / "a").string();
  CHECK_THROWS_WITH(RunDir::resume(scratch / "a", kStart, kConfig),
                    name +
                        ": expected a train run to go on with, got nothing; leave --resume out to "
                        "start one");
  CHECK_THROWS_WITH(RunDir::read_manifest(scratch / "a", "export"),
                    name + ": expected the folder of an export run, got nothing");
  fs::create_directory(scratch / "a");
  CHECK_THROWS_WITH(
      RunDir::read_manifest(scratch / "a", "train"),
      name + ": expected the folder of a train run, got a folder without manifest.json");
  CHECK_THROWS_AS(RunDir::resume(scratch / "a", kStart, kConfig), FormatError);
  CHECK(fs::is_empty(scratch / "a"));
  write_file(scratch / "f", "x");
  CHECK_THROWS_WITH(RunDir::read_manifest(scratch / "f", ""),
                    ContainsSubstring("expected the folder of a run, got a file"));
  RunDir::create(scratch / "a", kStart, kConfig).close("complete", {});
  CHECK_THROWS_WITH(RunDir::read_manifest(scratch / "a", "search"),
                    name + ": expected a search run, got a train run");
  CHECK(RunDir::read_manifest(scratch / "a", "")["kind"] == "train");
}

TEST_CASE("a broken manifest is refused", "[base]") {
  const test::ScratchFolder scratch;
  const fs::path file = scratch / "a/manifest.json";
  RunDir::create(scratch / "a", kStart, kConfig).close("complete", {});
  const std::string good = read_file(file);
  write_file(file, good.substr(0, good.size() / 2));
  CHECK_THROWS_AS(manifest_of(scratch / "a"), FormatError);
  json manifest = json::parse(good);
  manifest["version"] = 2;
  write_file(file, dump_json(manifest));
  CHECK_THROWS_WITH(manifest_of(scratch / "a"),
                    file.string() +
                        ": /version: expected 1, the version that this program reads, "
                        "got 2");
  manifest = json::parse(good);
  manifest["status"] = "fine";
  write_file(file, dump_json(manifest));
  CHECK_THROWS_WITH(manifest_of(scratch / "a"),
                    ContainsSubstring("/status: expected one of running, "
                                      "complete, interrupted, failed"));
  manifest = json::parse(good);
  manifest.erase("seed");
  write_file(file, dump_json(manifest));
  CHECK_THROWS_WITH(manifest_of(scratch / "a"),
                    ContainsSubstring("/seed: expected any value, got nothing"));
}

TEST_CASE("arguments that are no UTF-8 do not stop a run", "[base]") {
  const test::ScratchFolder scratch;
  RunDir::Start start = kStart;
  start.command_line = {"lathe", "\xFFx"};
  RunDir::create(scratch / "a", start, kConfig).close("complete", {});
  CHECK(manifest_of(scratch / "a")["command_line"][1] == "\xEF\xBF\xBDx");
}
