#include "spaces/base/error.hpp"
#include "spaces/base/json_io.hpp"
#include "tests/spaces/base/file_size_limit.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/scratch_folder.hpp"

#include <nlohmann/json.hpp>

#include <vector>

using namespace lathe;
using nlohmann::json;

namespace {

/// The values, and read_jsonl's result as the last one.
std::vector<json> lines_of(const std::filesystem::path& file) {
  std::vector<json> lines;
  const int torn = read_jsonl(file, [&](int number, const json& value) {
    CHECK(number == static_cast<int>(lines.size()) + 1);
    lines.push_back(value);
  });
  lines.push_back({{"torn", torn}});
  return lines;
}

}  // namespace

TEST_CASE("lines are there as soon as they are appended, and after reopening", "[base]") {
  const test::ScratchFolder folder;
  const auto file = folder / "a.jsonl";
  JsonlWriter writer(file);
  CHECK(read_file(file).empty());
  writer.append({{"i", 1}});
  CHECK(read_file(file) == "{\"i\":1}\n");
  writer = JsonlWriter(file);
  writer.append("two\nlines");
  JsonlWriter moved = std::move(writer);
  moved.append(3);
  CHECK(lines_of(file) == std::vector<json>{{{"i", 1}}, "two\nlines", 3, {{"torn", 0}}});
}

TEST_CASE("a torn last line is reported, dropped and cut off before the next one", "[base]") {
  const test::ScratchFolder folder;
  const auto file = folder / "a.jsonl";
  for (const std::string& torn :
       {std::string("{\"i\":"), std::string("3"), std::string(10000, '['), std::string("\0", 1)}) {
    write_file(file, "1\n2\n" + torn);
    CHECK(lines_of(file) == std::vector<json>{1, 2, {{"torn", 3}}});
    JsonlWriter(file).append(4);
    CHECK(read_file(file) == "1\n2\n4\n");
  }
  write_file(file, "{\"never\": \"ended");
  CHECK(lines_of(file) == std::vector<json>{{{"torn", 1}}});
  const JsonlWriter writer(file);
  CHECK(read_file(file).empty());
}

TEST_CASE("any other bad line is refused with its number", "[base]") {
  const test::ScratchFolder folder;
  const auto file = folder / "a.jsonl";
  write_file(file, "1\n{\"a\": 1 2}\n3\n");
  CHECK_THROWS_AS(lines_of(file), FormatError);
  CHECK_THROWS_WITH(lines_of(file),
                    file.string() + ": line 2, column 9: expected ',' or '}', got 2");
  write_file(file, "1\n\n3\n");
  CHECK_THROWS_WITH(lines_of(file),
                    file.string() + ": line 2: expected a JSON value, got an empty line");
  CHECK_THROWS_AS(lines_of(folder / "none"), FormatError);
}

TEST_CASE("of a line that does not fit nothing stays", "[base]") {
  const test::ScratchFolder folder;
  const auto file = folder / "a.jsonl";
  JsonlWriter writer(file);
  writer.append("first");
  {
    const test::FileSizeLimit limit(100);
    CHECK_THROWS_AS(writer.append(std::string(500, 'x')), ResourceError);
    CHECK_THROWS_WITH(
        writer.append(std::string(500, 'x')),
        file.string() +
            ": expected a file that can be written, got File too large; raise the limit of "
            "file sizes (ulimit -f), or choose another file system");
  }
  CHECK(read_file(file) == "\"first\"\n");
  writer.append("second");
  CHECK(lines_of(file) == std::vector<json>{"first", "second", {{"torn", 0}}});
}

TEST_CASE("a writer says where its folder is missing", "[base]") {
  const test::ScratchFolder folder;
  CHECK_THROWS_AS(JsonlWriter(folder / "none/a.jsonl"), ConfigError);
  CHECK_THROWS_WITH(JsonlWriter(folder / "none/a.jsonl"),
                    ContainsSubstring("missing folder " + (folder / "none").string()));
  CHECK_THROWS_AS(JsonlWriter(folder.path()), ConfigError);
}
