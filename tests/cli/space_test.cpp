#include "tests/cli/program.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>

using lathe::test::Invocation;
using lathe::test::run_lathe;

TEST_CASE("lathe spaces lists what stands in configs/spaces", "[cli]") {
  const Invocation run = run_lathe({"spaces", "--json"});
  REQUIRE(run.code == 0);
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator("configs/spaces")) {
    files += entry.path().extension() == ".json";
  }
  const auto lines = run.lines();
  CHECK(lines.size() == files);
  CHECK(std::any_of(lines.begin(), lines.end(),
                    [](const auto& line) { return line["space"] == "tiny"; }));
  CHECK(run_lathe({"spaces"}).code == 0);
}

TEST_CASE("lathe space tells codes, decisions, and both ends", "[cli]") {
  const Invocation run = run_lathe({"space", "tiny", "--json"});
  REQUIRE(run.code == 0);
  const nlohmann::json space = run.lines().at(0);
  CHECK(space["space"] == "tiny");
  CHECK(space["codes"].is_string());
  CHECK(space.contains("networks"));
  CHECK(space["decisions"].size() > 1);
  CHECK(space["smallest"]["macs"] < space["largest"]["macs"]);
  CHECK(space["smallest"]["params"] <= space["largest"]["params"]);
  const Invocation people = run_lathe({"space", "tiny"});
  CHECK_THAT(people.out, ContainsSubstring(space["codes"].get<std::string>()) &&
                             ContainsSubstring("smallest") && ContainsSubstring("largest"));
}

TEST_CASE("a pin leaves one choice", "[cli]") {
  const Invocation run = run_lathe({"space", "mobilenet-v2:resolution=160", "--json"});
  REQUIRE(run.code == 0);
  const nlohmann::json space = run.lines().at(0);
  CHECK(space["smallest"]["resolution"] == 160);
  CHECK(space["largest"]["resolution"] == 160);
}

TEST_CASE("a misspelt space or setting ends with 2 and the nearest name", "[cli]") {
  const Invocation space = run_lathe({"space", "tinny"});
  CHECK(space.code == 2);
  CHECK_THAT(space.err, ContainsSubstring("did you mean tiny"));
  const Invocation setting = run_lathe({"space", "mobilenet-v2:resolutoin=160"});
  CHECK(setting.code == 2);
  CHECK_THAT(setting.err, ContainsSubstring("resolution"));
}
