#include "search/constraint.hpp"

#include "spaces/base/error.hpp"
#include "tests/support/catch.hpp"

using namespace lathe;
using namespace lathe::search;

TEST_CASE("a bound is read in the unit of its name", "[search][config]") {
  CHECK(parse_constraint("latency", "20ms", "c").bound == Approx(20));
  CHECK(parse_constraint("latency.pixel", "1.5s", "c").bound == Approx(1500));
  CHECK(parse_constraint("macs", "300M", "c").bound == 300e6);
  CHECK(parse_constraint("params", "1.5M", "c").bound == 1.5e6);
  CHECK(parse_constraint("memory", "4MiB", "c").bound == 4194304);
  CHECK(parse_constraint("size", "8MB", "c").bound == 8e6);
  CHECK_FALSE(parse_constraint("latency", "middle", "c").bound.has_value());
}

TEST_CASE("bounds without meaning are refused with the place and what was found",
          "[search][config]") {
  const std::string where = "phone.json: /constraints/latency";
  CHECK_THROWS_WITH(
      parse_constraint("latency", "20", where),
      ContainsSubstring("phone.json: /constraints/latency") && ContainsSubstring("20"));
  CHECK_THROWS_WITH(parse_constraint("latency", "0ms", where),
                    ContainsSubstring("expected a bound above zero, got \"0ms\""));
  CHECK_THROWS_WITH(
      parse_constraint("error", "0.2", "f: /constraints/error"),
      ContainsSubstring("f: /constraints/error") && ContainsSubstring("make error an objective"));
  CHECK_THROWS_WITH(parse_constraint("mac", "300M", "f: /constraints/mac"),
                    ContainsSubstring("error, latency, latency.NAME, macs, params, memory, size") &&
                        ContainsSubstring("got \"mac\"; did you mean \"macs\"?"));
  CHECK_THROWS_AS(parse_constraint("latency.", "20ms", where), ConfigError);
}

TEST_CASE("values are shown in the unit of their name", "[search]") {
  CHECK(text_of("latency.pixel", 18.34) == "18.3 ms");
  CHECK(text_of("error", 0.21345) == "0.2135");
  CHECK(text_of("macs", 300e6) == "300 M");
  CHECK(range_text("latency", 14.2, 61.04) == "14.2-61.0 ms");
  CHECK(range_text("latency", 0.85, 1.2) == "850 us-1.20 ms");
  CHECK(unit_of("latency") == "ms");
  CHECK(unit_of("size") == "bytes");
  CHECK(unit_of("params").empty());
}
