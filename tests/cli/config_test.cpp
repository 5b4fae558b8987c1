#include "tests/cli/program.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>

using lathe::test::Invocation;
using lathe::test::run_lathe;
using lathe::test::TemporaryFolder;
using lathe::test::write_text;

TEST_CASE("config explain lists keys with type, range, default and meaning", "[cli][config]") {
  const Invocation search = run_lathe({"config", "explain", "search"});
  CHECK(search.code == 0);
  CHECK_THAT(search.out, ContainsSubstring("budget.evaluations") && ContainsSubstring("1000") &&
                             ContainsSubstring("networks evaluated, at most"));
  CHECK_THAT(run_lathe({"config", "explain", "train"}).out, ContainsSubstring("phases"));
  CHECK_THAT(run_lathe({"config", "explain", "measure"}).out, ContainsSubstring("rounds"));
  CHECK_THAT(run_lathe({"config", "explain", "space"}).out,
             ContainsSubstring("stages.N.expand") && ContainsSubstring("operators.N.otherwise") &&
                 ContainsSubstring("resolution.step") && ContainsSubstring("parameters.N.words"));
  const Invocation typo = run_lathe({"config", "explain", "serach"});
  CHECK(typo.code == 2);
  CHECK_THAT(typo.err, ContainsSubstring(
                           "expected one of train, search, measure, device, space, got \"serach\"; "
                           "did you mean search?"));
}

TEST_CASE("docs/file-formats/config.md is what config explain says", "[cli][config][golden]") {
  const std::string page = lathe::test::read_text("docs/file-formats/config.md");
  for (const char* kind : {"train", "search", "measure", "device", "space"}) {
    INFO(kind << ": scripts/config_page.sh prints the page");
    CHECK_THAT(page, ContainsSubstring(run_lathe({"config", "explain", kind}).out));
  }
}

TEST_CASE("every config that ships is valid", "[cli][config]") {
  int checked = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator("configs")) {
    if (entry.path().extension() != ".json") continue;
    const std::string file = entry.path().string();
    const Invocation run = run_lathe({"config", "check", file});
    INFO(run.err);
    CHECK(run.code == 0);
    ++checked;
  }
  CHECK(checked > 10);
}

TEST_CASE("config check names file, key, expected, found and the nearest key", "[cli][config]") {
  const TemporaryFolder folder;
  const auto file = folder / "measure.json";
  const auto refused = [&](const std::string& text, const std::string& part) {
    write_text(file, text);
    const Invocation run = run_lathe({"config", "check", file.string()});
    INFO(run.err);
    CHECK(run.code == 2);
    CHECK(run.out.empty());
    CHECK_THAT(run.err, ContainsSubstring(file.string()) && ContainsSubstring(part));
  };
  const std::string head = R"({"format": "lathe.measure", "version": 1, )";
  refused(head + R"("rounds": "many"})", "/rounds: expected an integer");
  refused(head + R"("ronds": 3})", "did you mean rounds");
  refused(head + R"("rounds": 3, "rounds": 4})", "rounds");
  refused(R"({"format": "lathe.mesure", "version": 1})", "did you mean measure?");
  refused("[1, 2]", "/format");
  refused("{", "measure.json");
  const Invocation missing = run_lathe({"config", "check", (folder / "mesure.json").string()});
  CHECK(missing.code == 2);
  CHECK_THAT(missing.err, ContainsSubstring("measure.json"));
}
