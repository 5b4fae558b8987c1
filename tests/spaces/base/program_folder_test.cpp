#include "spaces/base/program_folder.hpp"

#include "tests/support/catch.hpp"

using namespace lathe;

TEST_CASE("a program knows its folder wherever it was started", "[base]") {
  const auto there = std::filesystem::current_path();
  const auto folder = program_folder();
  CHECK(folder.is_absolute());
  CHECK(std::filesystem::exists(folder / "test_base"));
  std::filesystem::current_path("/");
  const auto from_root = program_folder();
  std::filesystem::current_path(there);
  CHECK(from_root == folder);
}
