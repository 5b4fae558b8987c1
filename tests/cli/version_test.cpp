#include "tests/cli/program.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

using lathe::test::Invocation;
using lathe::test::run_lathe;

TEST_CASE("lathe version names version, revision, build and libraries", "[cli]") {
  const Invocation run = run_lathe({"version", "--json"});
  REQUIRE(run.code == 0);
  const nlohmann::json version = run.lines().at(0);
  CHECK(version["version"] == "0.1.0");
  for (const char* key : {"revision", "compiler", "build_type"}) CHECK(version[key].is_string());
  for (const char* name : {"nlohmann_json", "CLI11", "spdlog", "Eigen"}) {
    INFO(name);
    CHECK_FALSE(version["libraries"].at(name).get<std::string>().empty());
  }
  CHECK(run_lathe({"--version"}).out == run_lathe({"version"}).out);
}

TEST_CASE("the program itself is not linked to LibTorch", "[cli]") {
  // Names of the libraries that it needs stand in its dynamic section as plain text.
  const std::string bytes = lathe::test::read_text(lathe::test::lathe_program());
  CHECK(bytes.find("libtorch") == std::string::npos);
  CHECK(bytes.find("libc10") == std::string::npos);
}

TEST_CASE("a build without LibTorch says what lacks, where it looked, and makes no folder",
          "[cli]") {
  if (std::filesystem::exists(lathe::test::lathe_program().parent_path() / "liblathe_torch.so")) {
    WARN("skipped: this build has LibTorch");
    return;
  }
  const lathe::test::TemporaryFolder folder;
  const Invocation run =
      run_lathe({"train", "configs/train/smoke.json", "--out", (folder / "run").string()});
  CHECK(run.code == 3);
  CHECK_THAT(run.err, ContainsSubstring("liblathe_torch.so") && ContainsSubstring("release"));
  CHECK_FALSE(std::filesystem::exists(folder / "run"));
}

TEST_CASE("quick commands answer quickly", "[cli]") {
  const std::vector<std::vector<std::string>> quick = {{"version"},
                                                       {"--help"},
                                                       {"net", "--space", "mobilenet-v2", "{}"},
                                                       {"space", "tiny"},
                                                       {"config", "explain", "search"}};
  for (const auto& command : quick) {
    double best = 1e9;
    for (int i = 0; i < 5; ++i) best = std::min(best, run_lathe(command).wall_s);
    INFO(command.front() << " took " << best << " s");
    // 50 ms is promised on a quiet machine for the release build; this one may be neither.
    CHECK(best < 0.25);
  }
}

TEST_CASE("a result that cannot be written is an error", "[cli]") {
  const std::string command = lathe::test::lathe_program().string() + " version >/dev/full 2>&1";
  const int status = std::system(command.c_str());
  CHECK(status / 256 == 7);
}
