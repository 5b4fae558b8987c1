// The examples in docs/file-formats/ are what the readers read.

#include "latency/measuring.hpp"
#include "spaces/base/json_io.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/scratch_folder.hpp"

using namespace lathe;
using namespace lathe::latency;

namespace {

/// What stands between the first fence of that language and its end.
std::string example_in(const std::string& page, const std::string& language) {
  const std::string text = read_file("docs/file-formats/" + page);
  const std::string fence = "```" + language + "\n";
  const auto begin = text.find(fence);
  REQUIRE(begin != std::string::npos);
  const auto from = begin + fence.size();
  return text.substr(from, text.find("```", from) - from);
}

}  // namespace

TEST_CASE("the documented table is read, and its log gives its numbers", "[latency][format]") {
  const test::ScratchFolder scratch;
  write_file(scratch / "example.json", example_in("latency-table.md", "json"));
  const auto log = samples_file_of(scratch / "example.json");
  write_file(log, example_in("measurement-log.md", "jsonl"));
  const LatencyTable table = LatencyTable::load(scratch / "example.json");
  const LatencyTable rebuilt = rebuild_table(log);
  CHECK(table.entries().size() == 2);
  CHECK(table.failures.size() == 1);
  table.save(scratch / "a.json");
  rebuilt.save(scratch / "b.json");
  CHECK(read_file(scratch / "a.json") == read_file(scratch / "b.json"));
}
