// The program given one broken file of each kind: exit code, one line on stderr that names it, and
// nothing written where --out says.

#include "tests/support/broken_files.hpp"

#include "spaces/base/json_io.hpp"
#include "tests/cli/program.hpp"
#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <sys/wait.h>

using namespace lathe::test;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

/// What a user may do with a broken file; FILE stands for it and OUT for the product.
struct Use {
  std::string file;  ///< the name of the broken file
  std::vector<std::string> arguments;
  int code;
};

/// A whole search of a tabular space, which makes a run folder.
const char* const kSearch = R"({"format": "lathe.search", "version": 1, "space": "nas-bench-macro",
  "evaluator": {"kind": "tabular", "data": "results.json"}, "objectives": ["error", "macs"],
  "searcher": {"kind": "evolution", "population": 8}, "prove": false,
  "budget": {"evaluations": 12}})";
const char* const kResults =
    R"({"networks": [)"
    R"({"code": "00000000", "error": 0.5}, {"code": "11111111", "error": 0.2},)"
    R"({"code": "22222222", "error": 0.1}, {"code": "12121212", "error": 0.3}]})";

/// The folder's files with their bytes, but for the lock.
std::map<std::string, std::string> contents(const fs::path& folder) {
  std::map<std::string, std::string> all;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file() && entry.path().filename() != "lock") {
      all[entry.path().string()] = read_text(entry.path());
    }
  }
  return all;
}

void check_refused(const Use& use, const fs::path& folder) {
  const fs::path file = folder / use.file, out = folder / "out";
  std::vector<std::string> arguments = use.arguments;
  std::string shown;
  for (std::string& word : arguments) {
    for (const auto& [name, meant] : {std::pair{"FILE", file}, std::pair{"OUT", out}}) {
      if (const auto at = word.find(name); at != word.npos) {
        word.replace(at, std::string(name).size(), meant.string());
      }
    }
    shown += word + " ";
  }
  const auto before = contents(folder);
  const Invocation run = run_lathe(arguments);
  INFO("lathe " << shown << "\n" << run.err);
  CHECK(run.code == use.code);
  CHECK(run.out.empty());
  CHECK(std::count(run.err.begin(), run.err.end(), '\n') == 1);
  CHECK_THAT(run.err, ContainsSubstring(file.string()) && ContainsSubstring(": expected ") &&
                          ContainsSubstring(", got "));
  CHECK(!fs::exists(out));
  CHECK(contents(folder) == before);
}

}  // namespace

TEST_CASE("a broken file of each kind ends a command before it writes", "[cli][broken]") {
  const TemporaryFolder folder;
  write_text(folder / "results.json", kResults);
  write_text(folder / "search.json", kSearch);
  write_text(folder / "table.json", example_in("latency-table.md", "json"));
  const std::vector<Use> uses = {
      {"config.json", {"search", "FILE", "--out", "OUT"}, 2},
      {"config.json", {"config", "check", "FILE"}, 2},
      {"measure.json",
       {"measure", "--space", "tiny", "--device", "local", "--config", "FILE", "--out", "OUT"},
       2},
      {"device.json", {"measure", "--space", "tiny", "--device", "FILE", "--out", "OUT"}, 2},
      {"space.json", {"measure", "--space", "FILE", "--device", "local", "--out", "OUT"}, 2},
      {"space.json", {"space", "FILE"}, 2},
      {"net.json", {"net", "--space", "tiny", "FILE"}, 3},
      {"nets.jsonl",
       {"measure", "--space", "tiny", "--device", "local", "--nets", "FILE", "--out", "OUT"},
       3},
      {"latency.json", {"net", "--space", "tiny", "--table", "FILE", "r28 k3e3 / k3e3 / k3e3"}, 3},
      {"latency.json", {"table", "info", "FILE"}, 3},
      {"measured.json",
       {"table", "check", (folder / "table.json").string(), "--against", "FILE"},
       3},
      {"samples.jsonl", {"table", "rebuild", "FILE", "--out", "OUT"}, 3},
      {"data.json",
       {"search", (folder / "search.json").string(), "--set", "evaluator.data=FILE", "--out",
        "OUT"},
       3},
      {"latency.json",
       {"search", (folder / "search.json").string(), "--table", "FILE", "--out", "OUT"},
       3}};
  for (const Use& use : uses) {
    for (const char* text : {"", "{", "[]\n", "{\"format\": \"lathe.none\", \"version\": 1}\n",
                             "{\"format\": 1e400}\n", "\xFF\n"}) {
      write_text(folder / use.file, text);
      INFO("with the text " << text);
      check_refused(use, folder.path());
    }
    fs::remove(folder / use.file);
    fs::create_directory(folder / use.file);
    check_refused(use, folder.path());
    fs::remove(folder / use.file);
    check_refused(use, folder.path());
  }
}

TEST_CASE("a broken file of a run folder ends a command that reads it", "[cli][broken]") {
  const TemporaryFolder folder;
  write_text(folder / "results.json", kResults);
  write_text(folder / "search.json", kSearch);
  const std::string run_folder = (folder / "run").string();
  const Invocation made =
      run_lathe({"search", (folder / "search.json").string(), "--out", run_folder});
  INFO(made.err);
  REQUIRE(made.code == 0);
  const std::vector<std::string> resume = {"search", (folder / "search.json").string(), "--resume",
                                           "--out", run_folder};
  const std::vector<std::string> report = {"report", run_folder, "--out", "OUT"};
  const std::vector<Use> uses = {{"run/manifest.json", report, 3}, {"run/manifest.json", resume, 3},
                                 {"run/front.json", report, 3},    {"run/best.json", report, 3},
                                 {"run/history.csv", report, 3},   {"run/config.json", resume, 3}};
  for (const Use& use : uses) {
    const std::string whole = read_text(folder / use.file);
    for (const std::string& text : {std::string("{"), std::string("[]\n"), std::string("\xFF\n"),
                                    whole.substr(0, whole.size() / 2)}) {
      write_text(folder / use.file, text);
      INFO(use.file << " with the text " << text);
      check_refused(use, folder.path());
    }
    write_text(folder / use.file, whole);
  }
}

TEST_CASE("an unfinished search does not go on from broken results", "[cli][broken]") {
  const TemporaryFolder folder;
  write_text(folder / "results.json", kResults);
  write_text(folder / "search.json", kSearch);
  const fs::path run = folder / "run";
  const std::vector<std::string> arguments = {"search", (folder / "search.json").string(), "--out",
                                              run.string()};
  REQUIRE(run_lathe(arguments).code == 0);
  json manifest = json::parse(read_text(run / "manifest.json"));
  manifest["status"] = "interrupted";
  write_text(run / "manifest.json", manifest.dump());
  const auto refused = [&](const char* name, const std::string& text, const std::string& part) {
    const std::string whole = read_text(run / name);
    write_text(run / name, text);
    std::vector<std::string> resume = arguments;
    resume.push_back("--resume");
    const Invocation result = run_lathe(resume);
    INFO(result.err);
    CHECK(result.code == 3);
    CHECK_THAT(result.err, ContainsSubstring((run / name).string()) && ContainsSubstring(part));
    CHECK(read_text(run / name) == text);  // what is there stays for whoever looks into it
    write_text(run / name, whole);
  };
  const std::string state = read_text(run / "state.json");
  refused("state.json", state.substr(0, state.size() / 2), ": line ");
  refused("state.json", "[]", "an object");
  json broken = json::parse(state);
  broken["searcher"]["population"][0]["genes"][0] = 7;
  refused("state.json", broken.dump(), "/searcher/population/0/genes");
  broken = json::parse(state);
  broken["searcher"]["source"]["proposed"] = "xyz";
  refused("state.json", broken.dump(), "/searcher/source/proposed");
  const std::string lines = read_text(run / "evaluated.jsonl");
  refused("evaluated.jsonl", "{}\n" + lines, ": line 1: /index");
  std::string other = lines;
  other.replace(other.find("\"genes\":[") + 9, 1, "9");
  refused("evaluated.jsonl", other, ": line 1: /genes");
}

TEST_CASE("lathe-probe refuses a broken job", "[cli][broken]") {
  const TemporaryFolder folder;
  const fs::path probe = lathe_program().parent_path() / "lathe-probe";
  for (const char* text : {"", "{", "[]", "{\"format\": \"lathe.job\", \"version\": 2}"}) {
    write_text(folder / "job.json", text);
    const std::string command = probe.string() + " " + (folder / "job.json").string() + " >" +
                                (folder / "out").string() + " 2>" + (folder / "err").string();
    const int status = std::system(command.c_str());
    INFO(text << "\n" << read_text(folder / "err"));
    CHECK(WEXITSTATUS(status) == 3);
    CHECK(read_text(folder / "out").empty());
    CHECK_THAT(read_text(folder / "err"),
               ContainsSubstring("job.json") && ContainsSubstring(": expected "));
  }
}
