#include "spaces/base/error.hpp"

#include "spaces/base/rng.hpp"
#include "tests/support/catch.hpp"

using namespace lathe;

TEST_CASE("a problem reads as where, expected, got and remedy", "[base]") {
  CHECK(text({"evo.json: /population", "an integer in [8, 4096]", "4", ""}) ==
        "evo.json: /population: expected an integer in [8, 4096], got 4");
  CHECK(text({"--out", "a name that does not exist", "the folder a", "use --resume"}) ==
        "--out: expected a name that does not exist, got the folder a; use --resume");
  // Found by fuzzing: what stood in a file went to the terminal as it was.
  CHECK(text({"a\xFF.json", "a key", "\x1B[2Jformat\n", ""}) ==
        "a\\xff.json: expected a key, got \\x1b[2Jformat\\x0a");
}

TEST_CASE("every class of error has its exit code", "[base]") {
  CHECK(ConfigError("x").exit_code() == ExitCode::usage);
  CHECK(FormatError("x").exit_code() == ExitCode::input);
  CHECK(MissingEntry("x").exit_code() == ExitCode::input);
  CHECK(DeviceError("x").exit_code() == ExitCode::device);
  CHECK(InfeasibleError("x").exit_code() == ExitCode::infeasible);
  CHECK(CheckFailed("x").exit_code() == ExitCode::check_failed);
  CHECK(ResourceError("x").exit_code() == ExitCode::resource);
  CHECK(Interrupted("x").exit_code() == ExitCode::interrupted);
  CHECK(LogicError("x").exit_code() == ExitCode::bug);
  CHECK(static_cast<int>(ExitCode::interrupted) == 130);
  CHECK(static_cast<int>(ExitCode::resource) == 7);
}

TEST_CASE("a failed check names file, line, condition and message", "[base]") {
  const int blocks = 3;
  CHECK_THROWS_WITH([&] { LATHE_CHECK(blocks == 4, "blocks " + std::to_string(blocks)); }(),
                    ContainsSubstring("error_test.cpp:") && ContainsSubstring("blocks 3") &&
                        ContainsSubstring("blocks == 4") && ContainsSubstring("bug of lathe"));
  CHECK_NOTHROW([&] { LATHE_CHECK(blocks == 3, "not evaluated"); }());
}

TEST_CASE("quote keeps UTF-8 and shows what is none", "[base]") {
  CHECK(quote("plain") == "\"plain\"");
  CHECK(quote("") == "\"\"");
  CHECK(quote("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80") ==
        "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"");
  CHECK(quote("a\nb\x7F") == "\"a\\x0ab\\x7f\"");
  CHECK(quote("\xFF") == "\"\\xff\"");
  CHECK(quote("\xC3") == "\"\\xc3\"");                             // cut short
  CHECK(quote("\xC0\xAF") == "\"\\xc0\\xaf\"");                    // overlong
  CHECK(quote("\xED\xA0\x80") == "\"\\xed\\xa0\\x80\"");           // a surrogate
  CHECK(quote("\xF4\x90\x80\x80") == "\"\\xf4\\x90\\x80\\x80\"");  // above U+10FFFF
  CHECK(quote(std::string(80, 'x')) == "\"" + std::string(80, 'x') + "\"");
  CHECK(quote(std::string(500, 'x')) == "\"" + std::string(80, 'x') + "...\"");
}

TEST_CASE("the nearest word is within a third of the length, the first of equals", "[base]") {
  const std::vector<std::string> keys{"population", "mutate_probability", "kind", "bind"};
  CHECK(nearest_word("populaton", keys) == "population");  // one left out
  CHECK(nearest_word("poplation", keys) == "population");
  CHECK(nearest_word("popualtion", keys) == "population");  // a swap counts once
  CHECK(nearest_word("popllation", keys) == "population");  // another letter
  CHECK(nearest_word("papalatian", keys) == "population");  // 3 of 10
  CHECK(nearest_word("pipilitiin", keys).empty());          // 4 of 10
  CHECK(nearest_word("find", keys) == "kind");              // both at 1
  CHECK(nearest_word("kidn", keys) == "kind");
  CHECK(nearest_word("k", {"", "ks"}) == "ks");
  CHECK(nearest_word("e", {"d", "ks"}) == "d");  // 1 is always near
  CHECK(nearest_word("seed", {}).empty());
  CHECK(nearest_word("", {"ab"}).empty());
}

TEST_CASE("one random edit of a word is always recognised", "[base][property]") {
  const Rng root(7);
  for (std::uint64_t sample = 0; sample < 1000; ++sample) {
    Rng rng = root.stream("word", sample);
    std::string word;
    for (int length = 3 + rng.below(12); length > 0; --length) {
      word += static_cast<char>('a' + rng.below(26));
    }
    std::string edited = word;
    const auto place = static_cast<std::size_t>(rng.below(static_cast<int>(word.size()) - 1));
    switch (rng.below(4)) {
      case 0:
        edited.erase(place, 1);
        break;
      case 1:
        edited.insert(place, 1, '_');
        break;
      case 2:
        edited[place] = '_';
        break;
      default:
        std::swap(edited[place], edited[place + 1]);
    }
    INFO("sample " << sample << ": " << word << " as " << edited);
    CHECK(nearest_word(edited, {word + "____", word}) == word);
  }
}
