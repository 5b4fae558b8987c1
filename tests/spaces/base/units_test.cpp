#include "spaces/base/units.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/rng.hpp"
#include "tests/support/catch.hpp"

#include <cmath>
#include <limits>

using namespace lathe;
using namespace std::chrono_literals;

TEST_CASE("durations are read with their unit", "[base]") {
  CHECK(parse_duration("20ms", "--t") == 20ms);
  CHECK(parse_duration("850us", "--t") == 850us);
  CHECK(parse_duration("1.5s", "--t") == 1500ms);
  CHECK(parse_duration("2min", "--t") == 120s);
  CHECK(parse_duration("1h", "--t") == 1h);
  CHECK(parse_duration("20 ms", "--t") == 20ms);
  CHECK(parse_duration("0s", "--t") == 0s);
  CHECK(parse_duration("1e3us", "--t") == 1ms);
  CHECK(parse_duration("0.1ms", "--t").count() == 100);
}

TEST_CASE("what is no duration is refused with its place and text", "[base]") {
  for (const char* word :
       {"20", "", "ms", "-5ms", "+5ms", "20msx", "20ms ", " 20ms", "1.ms", ".5ms", "0x10ms", "infs",
        "nans", "1e999s", "1e308h", "20 ns", "20MS", "1,5s"}) {
    INFO(word);
    CHECK_THROWS_AS(parse_duration(word, "--t"), ConfigError);
    CHECK_THROWS_WITH(parse_duration(word, "--latency-budget"),
                      "--latency-budget: expected a duration with its unit (us, ms, s, min, h), "
                      "such as \"20ms\", got \"" +
                          std::string(word) + "\"");
  }
}

TEST_CASE("counts are exact and whole", "[base]") {
  CHECK(parse_count("300M", "--m") == 300000000);
  CHECK(parse_count("1.5G", "--m") == 1500000000);
  CHECK(parse_count("4000", "--m") == 4000);
  CHECK(parse_count("0", "--m") == 0);
  CHECK(parse_count("0.3M", "--m") == 300000);
  CHECK(parse_count("1.0", "--m") == 1);
  CHECK(parse_count("2.50 k", "--m") == 2500);
  CHECK(parse_count("9223372036854775807", "--m") == std::numeric_limits<std::int64_t>::max());
  CHECK(parse_count("9223372036.854775807G", "--m") == std::numeric_limits<std::int64_t>::max());
  for (const char* word :
       {"1.5", "0.0001k", "-3", "", "M", "3m", "3 MM", "1e6", "9223372036854775808",
        "9223372036.854775808G", "10000000000G", "0.00000000000000000001G"}) {
    INFO(word);
    CHECK_THROWS_WITH(parse_count(word, "--max-macs"),
                      "--max-macs: expected a whole number, also with k, M or G, such as \"300M\", "
                      "got \"" +
                          std::string(word) + "\"");
  }
}

TEST_CASE("sizes are binary or decimal and carry their unit", "[base]") {
  CHECK(parse_bytes("4MiB", "--m") == 4194304);
  CHECK(parse_bytes("64KiB", "--m") == 65536);
  CHECK(parse_bytes("1GiB", "--m") == 1073741824);
  CHECK(parse_bytes("1.5MiB", "--m") == 1572864);
  CHECK(parse_bytes("512B", "--m") == 512);
  CHECK(parse_bytes("4MB", "--m") == 4000000);
  CHECK(parse_bytes("64kB", "--m") == 64000);
  for (const char* word : {"4096", "4M", "4mb", "0.3KiB", "-1B", "1e3B", "9000000000GiB"}) {
    INFO(word);
    CHECK_THROWS_AS(parse_bytes(word, "--m"), ConfigError);
    CHECK_THROWS_WITH(parse_bytes(word, "--max-memory"),
                      ContainsSubstring("--max-memory: expected a number of bytes with its unit") &&
                          ContainsSubstring("got \"" + std::string(word) + "\""));
  }
}

TEST_CASE("durations, counts and sizes are printed with three digits", "[base]") {
  CHECK(text(Micros(18300)) == "18.3 ms");
  CHECK(text(Micros(850)) == "850 us");
  CHECK(text(Micros(1.5e6)) == "1.50 s");
  CHECK(text(Micros(0)) == "0 us");
  CHECK(text(Micros(0.5)) == "0.500 us");
  CHECK(text(Micros(9.996)) == "10.0 us");
  CHECK(text(Micros(99.96)) == "100 us");
  CHECK(text(Micros(999.4)) == "999 us");
  CHECK(text(Micros(999.6)) == "1.00 ms");
  CHECK(text(Micros(-18300)) == "-18.3 ms");
  CHECK(text(Micros(4.2e9)) == "4200 s");
  CHECK(text_count(950) == "950");
  CHECK(text_count(3) == "3");
  CHECK(text_count(2.5) == "2.50");
  CHECK(text_count(999.6) == "1.00 k");
  CHECK(text_count(5510000) == "5.51 M");
  CHECK(text_count(300e6) == "300 M");
  CHECK(text_count(1.2e9) == "1.20 G");
  CHECK(text_bytes(6021120) == "5.74 MiB");
  CHECK(text_bytes(65536) == "64.0 KiB");
  CHECK(text_bytes(512) == "512 B");
}

TEST_CASE("time left is printed in two parts", "[base]") {
  CHECK(text_rough(125s) == "2 min 05 s");
  CHECK(text_rough(45s) == "45 s");
  CHECK(text_rough(59.6s) == "1 min 00 s");
  CHECK(text_rough(4200s) == "1 h 10 min");
  CHECK(text_rough(30h) == "30 h 00 min");
  CHECK(text_rough(-3s) == "0 s");
  CHECK(text_rough(Micros(std::numeric_limits<double>::infinity())) == "unknown");
  CHECK(text_rough(Micros(std::numeric_limits<double>::quiet_NaN())) == "unknown");
}

TEST_CASE("a duration's word reads back as the same bits", "[base][property]") {
  CHECK(duration_word(20ms) == "20ms");
  CHECK(duration_word(1500ms) == "1.5s");
  CHECK(duration_word(Micros(0.5)) == "0.5us");
  CHECK(duration_word(10s) == "10s");
  CHECK(duration_word(1h) == "1h");
  CHECK(duration_word(0s) == "0s");
  const Rng root(11);
  for (std::uint64_t sample = 0; sample < 1000; ++sample) {
    Rng rng = root.stream("duration", sample);
    const Micros duration(std::ldexp(rng.uniform(), rng.below(60) - 20));
    INFO("sample " << sample << ": " << duration_word(duration));
    CHECK(parse_duration(duration_word(duration), "word") == duration);
  }
  CHECK_THROWS_AS(duration_word(-1s), LogicError);
}
