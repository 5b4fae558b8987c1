#include "spaces/base/json_io.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/rng.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/scratch_folder.hpp"

#include <nlohmann/json.hpp>

#include <cmath>
#include <cstring>
#include <limits>

using namespace lathe;
using nlohmann::json;

namespace {

std::string error_of(std::string_view text, Comments comments = Comments::refused) {
  try {
    parse_json(text, "t.json", comments);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

/// A random value whose size shrinks with `depth`.
json random_value(Rng& rng, int depth) {
  const int kind = rng.below(depth > 3 ? 5 : 7);
  if (kind == 0) return nullptr;
  if (kind == 1) return rng.chance(0.5);
  if (kind == 2) return static_cast<std::int64_t>(rng.next());
  if (kind == 3) {
    const std::uint64_t bits = rng.next();
    double number = 0;
    std::memcpy(&number, &bits, sizeof number);
    return std::isfinite(number) ? number : 0.5;
  }
  if (kind == 4) {
    std::string text;
    for (int i = rng.below(8); i > 0; --i) text += static_cast<char>(rng.below(128));
    return text + "\xC3\xA9";
  }
  json value = kind == 5 ? json::array() : json::object();
  for (int i = rng.below(5); i > 0; --i) {
    if (kind == 5) value.push_back(random_value(rng, depth + 1));
    if (kind == 6) value["/k~" + std::to_string(rng.below(9))] = random_value(rng, depth + 1);
  }
  return value;
}

}  // namespace

TEST_CASE("a value of every type is parsed as it is stored", "[base]") {
  const json value = parse_json(
      R"( {"a": [1, -2, 1.0, 1e2, true, null], "b": {"c": "\u00e9\n"}, "big": 18446744073709551615} )",
      "t.json", Comments::refused);
  CHECK(value["a"][0].is_number_integer());
  CHECK(value["a"][1] == -2);
  CHECK(value["a"][2].is_number_float());
  CHECK(value["a"][3] == 100.0);
  CHECK(value["a"][4] == true);
  CHECK(value["a"][5].is_null());
  CHECK(value["b"]["c"] == "\xC3\xA9\n");
  CHECK(value["big"] == 18446744073709551615u);
  CHECK(parse_json("3", "t.json", Comments::refused) == 3);
}

TEST_CASE("errors name line, column, what was expected and what was found", "[base]") {
  CHECK(error_of("{\"a\": 1\n \"b\": 2}") ==
        "t.json: line 2, column 4: expected ',' or '}', got \"b\"");
  CHECK(error_of("[1, 2\n") ==
        "t.json: line 2, column 1: expected ',' or ']', got the end of the file");
  CHECK(error_of("{") ==
        "t.json: line 1, column 2: expected a key in double quotes, got the end of the file");
  CHECK(error_of("[1] []") == "t.json: line 1, column 5: expected nothing more, got '['");
  CHECK(error_of("{\"a\" 1}") == "t.json: line 1, column 6: expected ':', got 1");
  CHECK(error_of("[1,]") == "t.json: line 1, column 4: expected a JSON value, got ']'");
  CHECK(error_of("{\"a\":1,}") ==
        "t.json: line 1, column 8: expected a key in double quotes, got '}'");
  CHECK(error_of("{'a': 1}") ==
        "t.json: line 1, column 2: expected a key in double quotes, got invalid literal \"'\"");
  CHECK(error_of("[tru]") ==
        "t.json: line 1, column 5: expected a JSON value, got invalid literal \"tru\"");
  CHECK(
      error_of("[1e]") ==
      "t.json: line 1, column 4: expected '+', '-', or digit after exponent, got invalid number at "
      "\"1e]\"");
  CHECK(error_of("[01]") == "t.json: line 1, column 3: expected ',' or ']', got 1");
  CHECK_THAT(error_of("[\"abc"), ContainsSubstring("missing closing quote at \"\"abc\""));
  CHECK_THAT(error_of("[\"a\nb\"]"), ContainsSubstring("control character U+000A"));
  CHECK_THAT(
      error_of("[NaN]"),
      ContainsSubstring("line 1, column 2: expected a JSON value, got invalid literal \"NaN\""));
}

TEST_CASE("an empty text is said to be empty", "[base]") {
  const std::string expected = "t.json: expected a JSON value, got nothing; the file is empty";
  CHECK(error_of("") == expected);
  CHECK(error_of(" \n\t") == expected);
  CHECK_THAT(error_of("// only this\n", Comments::allowed),
             ContainsSubstring("got the end of the file"));
}

TEST_CASE("duplicate keys are refused with key and pointer", "[base]") {
  CHECK(error_of("{\"a\": 1,\n \"a\": 2}") ==
        "t.json: line 2, column 4: expected every key once, got a second key \"a\"; the object is "
        "the whole value");
  CHECK_THAT(error_of(R"({"x": [0, {"y/z": {"k": 1, "k": 1}}]})"),
             ContainsSubstring("a second key \"k\"; the object is /x/1/y~1z"));
  CHECK(error_of(R"({"a": {"b": 1}, "c": {"b": 1}})") == "no error");
}

TEST_CASE("numbers beyond a double are refused, small ones are zero", "[base]") {
  CHECK(
      error_of("[1e400]") ==
      "t.json: line 1, column 7: expected a number that fits a double (up to 1.8e308), got 1e400");
  CHECK_THAT(error_of("-1e999"), ContainsSubstring("got -1e999"));
  CHECK(parse_json("1e-400", "t", Comments::refused) == 0.0);
}

TEST_CASE("bytes that are no UTF-8 are refused", "[base]") {
  CHECK(error_of("[\"\xFF\"]") ==
        "t.json: line 1, column 3: expected text in UTF-8, got bytes that are none");
  CHECK_THAT(error_of("{\"a\xC3\": 1}"), ContainsSubstring("expected text in UTF-8"));
}

TEST_CASE("values may be 64 deep and no deeper", "[base]") {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  CHECK(error_of(nested(64)) == "no error");
  CHECK(error_of(nested(65)) ==
        "t.json: line 1, column 65: expected lists and objects at most 64 deep, got a deeper one");
  CHECK_THAT(error_of(std::string(1000000, '[')), ContainsSubstring("at most 64 deep"));
}

TEST_CASE("comments are for configs, whose errors are ConfigError", "[base]") {
  const std::string text = "// head\n{\"a\": /* one */ 1}";
  CHECK(parse_json(text, "t.json", Comments::allowed)["a"] == 1);
  CHECK_THAT(error_of(text), ContainsSubstring("line 1, column 1") &&
                                 ContainsSubstring("comments are for configs and spaces only"));
  CHECK_THROWS_AS(parse_json("{", "t.json", Comments::allowed), ConfigError);
  CHECK_THROWS_AS(parse_json("{", "t.json", Comments::refused), FormatError);
  CHECK(error_of("// one\n/* two\n*/ [1 2]", Comments::allowed) ==
        "t.json: line 3, column 7: expected ',' or ']', got 2");
}

TEST_CASE("loading gives the class of error that the kind of file has", "[base]") {
  const test::ScratchFolder folder;
  write_file(folder / "good.json", "{\"a\": 1}");
  write_file(folder / "cut.json", "{\"a\": ");
  CHECK(load_json(folder / "good.json", Comments::refused)["a"] == 1);
  CHECK_THROWS_AS(load_json(folder / "cut.json", Comments::refused), FormatError);
  CHECK_THROWS_AS(load_json(folder / "cut.json", Comments::allowed), ConfigError);
  CHECK_THROWS_AS(load_json(folder / "none.json", Comments::allowed), ConfigError);
  CHECK_THROWS_WITH(load_json(folder / "goood.json", Comments::refused),
                    (folder / "goood.json").string() +
                        ": expected a file that can be read, got "
                        "nothing; did you mean " +
                        (folder / "good.json").string());
}

TEST_CASE("canonical text has sorted keys, two spaces and a last newline", "[base]") {
  const json value = {{"b", {1, 2.5}}, {"a", {{"x", nullptr}}}, {"c", json::array()}};
  CHECK(
      dump_json(value) ==
      "{\n  \"a\": {\n    \"x\": null\n  },\n  \"b\": [\n    1,\n    2.5\n  ],\n  \"c\": []\n}\n");
  CHECK(dump_json_line(value) == R"({"a":{"x":null},"b":[1,2.5],"c":[]})");
  CHECK(dump_json_line(0.1) == "0.1");
  CHECK(dump_json_line(1.0) == "1.0");
  CHECK(dump_json_line(5e-324) == "5e-324");
}

TEST_CASE("what JSON cannot say is a bug of the writer, named by its pointer", "[base]") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  CHECK_THROWS_AS(dump_json(nan), LogicError);
  CHECK_THROWS_WITH(dump_json({{"a", {1, {{"b/c", nan}}}}}), ContainsSubstring("\"/a/1/b~1c\""));
  CHECK_THROWS_WITH(dump_json_line({1.0, -infinity}), ContainsSubstring("\"/1\""));
  CHECK_THROWS_AS(dump_json("\xFF"), LogicError);
}

TEST_CASE("what is dumped parses as the same value", "[base][property]") {
  for (std::uint64_t sample = 0; sample < 1000; ++sample) {
    Rng rng = Rng(12).stream("value", sample);
    const json value = random_value(rng, 0);
    INFO("sample " << sample << ": " << dump_json_line(value));
    CHECK(parse_json(dump_json(value), "t", Comments::refused) == value);
    CHECK(parse_json(dump_json_line(value), "t", Comments::refused) == value);
  }
}

TEST_CASE("a text cut or changed anywhere gives a value or an error with its place",
          "[base][property]") {
  for (std::uint64_t sample = 0; sample < 1000; ++sample) {
    Rng rng = Rng(13).stream("damage", sample);
    std::string text = dump_json(random_value(rng, 0));
    const auto place = static_cast<std::size_t>(rng.below64(text.size()));
    if (rng.chance(0.5)) {
      text.resize(place);
    } else {
      text[place] = static_cast<char>(rng.below(256));
    }
    const std::string error = error_of(text);
    INFO("sample " << sample << ": " << error);
    CHECK((error == "no error" || error.rfind("t.json: ", 0) == 0));
    CHECK_NOTHROW(dump_json(error));  // the message itself is always UTF-8
  }
}
