#include "tests/cli/program.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>

using lathe::test::Invocation;
using lathe::test::run_lathe;
using lathe::test::TemporaryFolder;

TEST_CASE("lathe net counts the published networks exactly", "[cli][golden]") {
  const Invocation v2 = run_lathe({"net", "--space", "mobilenet-v2", "--json", "{}"});
  REQUIRE(v2.code == 0);
  CHECK(v2.err.empty());
  REQUIRE(v2.lines().size() == 1);
  const nlohmann::json net = v2.lines()[0];
  CHECK(net["macs"] == 300774272);
  CHECK(net["params"] == 3504872);
  CHECK(net["peak_activation_bytes"] == 6021120);
  CHECK(net["resolution"] == 224);
  CHECK(net["space"] == "mobilenet-v2");
  CHECK(net["latency_ms"] == nlohmann::json::object());
  CHECK_FALSE(net.contains("blocks"));
}

TEST_CASE("lathe net --layers adds up to the network", "[cli]") {
  const Invocation run = run_lathe({"net", "--space", "mobilenet-v2", "--json", "--layers", "{}"});
  REQUIRE(run.code == 0);
  const nlohmann::json net = run.lines()[0];
  std::int64_t macs = 0, params = 0;
  nlohmann::json before = net["blocks"][0]["in"];
  CHECK(before == nlohmann::json({224, 224, 3}));
  for (const auto& block : net["blocks"]) {
    macs += block["macs"].get<std::int64_t>();
    params += block["params"].get<std::int64_t>();
    CHECK(block["in"] == before);
    before = block["out"];
    CHECK_FALSE(block["key"].get<std::string>().empty());
  }
  CHECK(macs == net["macs"]);
  CHECK(params == net["params"]);
}

TEST_CASE("other people's conventions are flags", "[cli][golden]") {
  const auto peak = [](const std::string& convention) {
    return run_lathe({"net", "--space", "mobilenet-v2", "--json", "--memory", convention, "{}"})
        .lines()[0]["peak_activation_bytes"];
  };
  CHECK(peak("int8") == 1505280);
  CHECK(peak("int8,in-place") == 1404928);
  const auto params = [](const std::string& which) {
    return run_lathe({"net", "--space", "mobilenet-v2", "--json", "--bn-params", which, "{}"})
        .lines()[0]["params"]
        .get<int>();
  };
  const int none = params("none"), affine = params("affine"), all = params("all");
  CHECK(affine == 3504872);
  CHECK(affine - none == all - affine);  // gamma and beta; mean and variance
  CHECK(none < affine);
}

TEST_CASE("lathe net for people says every number with its unit", "[cli]") {
  const Invocation run = run_lathe({"net", "--space", "mobilenet-v2", "{}"});
  CHECK(run.code == 0);
  CHECK_THAT(run.out, ContainsSubstring("300,774,272") && ContainsSubstring("3,504,872") &&
                          ContainsSubstring("6,021,120 bytes") && ContainsSubstring("224 px"));
}

TEST_CASE("networks come from files, arrays and JSONL, in order", "[cli]") {
  const TemporaryFolder folder;
  lathe::test::write_text(folder / "nets.jsonl", "{\"resolution\":192}\n{\"resolution\":160}\n");
  const Invocation run = run_lathe({"net", "--space", "mobilenet-v2", "--json",
                                    (folder / "nets.jsonl").string(), R"({"resolution":128})"});
  REQUIRE(run.code == 0);
  const auto lines = run.lines();
  REQUIRE(lines.size() == 3);
  CHECK(lines[0]["resolution"] == 192);
  CHECK(lines[1]["resolution"] == 160);
  CHECK(lines[2]["resolution"] == 128);
  CHECK(lines[0]["macs"] > lines[1]["macs"]);
}

TEST_CASE("a network outside its space's choices is counted and said so", "[cli]") {
  const Invocation run =
      run_lathe({"net", "--space", "mobilenet-v2", "--json", R"({"width":1.23})"});
  CHECK(run.code == 0);
  CHECK(run.lines().size() == 1);
  CHECK_THAT(run.err, ContainsSubstring("outside the choices of mobilenet-v2"));
}

TEST_CASE("a network converts to text and JSON and back", "[cli]") {
  const Invocation text =
      run_lathe({"net", "--space", "mobilenet-v2", "--to", "text", R"({"width":1.3})"});
  REQUIRE(text.code == 0);
  const std::string line = text.out.substr(0, text.out.size() - 1);
  const Invocation json = run_lathe({"net", "--space", "mobilenet-v2", "--to", "lathe", line});
  REQUIRE(json.code == 0);
  CHECK(json.lines()[0]["format"] == "lathe.architecture");
  // Our JSON names its space: no --space needed.
  const Invocation back = run_lathe({"net", "--to", "text", json.out});
  CHECK(back.out == text.out);
}

TEST_CASE("mistakes on lathe net's line end with 2 and one line that helps", "[cli]") {
  const auto refused = [](const std::vector<std::string>& words, const std::string& part) {
    const Invocation run = run_lathe(words);
    INFO(run.err);
    CHECK(run.code == 2);
    CHECK(run.out.empty());
    CHECK(std::count(run.err.begin(), run.err.end(), '\n') == 1);
    CHECK_THAT(run.err, ContainsSubstring(part));
  };
  refused({"net", "--space", "mobilenet-v22", "{}"}, "did you mean mobilenet-v2");
  refused({"net", "--space", "mobilenet-v2", R"({"widht":1.3})"}, "width");
  refused({"net", "--space", "mobilenet-v2", "--to", "tex", "{}"}, "did you mean text?");
  refused({"net", "--space", "mobilenet-v2", "--to", "ops", "{}"}, "lathe, text or ofa");
  refused({"net", "--space", "mobilenet-v2", "--bn-params", "afine", "{}"},
          "--bn-params: expected one of none, affine, all, got \"afine\"; did you mean affine?");
  refused({"net", "{}"}, "add --space SPACE");
  refused({"net", "--configs", "no-such-folder", "--space", "mobilenet-v2", "{}"},
          "--configs: expected a folder with spaces/ in it, got no-such-folder");
}

TEST_CASE("a missing table ends with 3", "[cli]") {
  const Invocation run =
      run_lathe({"net", "--space", "mobilenet-v2", "--table", "no-such-table.json", "{}"});
  CHECK(run.code == 3);
  CHECK_THAT(run.err, ContainsSubstring("no-such-table.json"));
}
