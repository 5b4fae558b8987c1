#include "supernet/training/safetensors.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/json_io.hpp"
#include "tests/supernet/image_files.hpp"
#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>

#include <cstring>

using namespace lathe;
using namespace lathe::supernet;
using lathe::test::TempFolder;

namespace {

std::string file_bytes(const std::string& header, const std::string& data) {
  std::string bytes(8, '\0');
  for (std::size_t i = 0; i < 8; ++i)
    bytes[i] = static_cast<char>((header.size() >> (8 * i)) & 0xff);
  return bytes + header + data;
}

std::string refusal(const std::string& bytes) {
  try {
    parse_safetensors(bytes, "c.safetensors");
  } catch (const FormatError& error) {
    return error.what();
  }
  return "read";
}

std::string entry(const std::string& name, const std::string& shape, const std::string& offsets,
                  const std::string& type = "F32") {
  return "\"" + name + "\":{\"dtype\":\"" + type + "\",\"shape\":" + shape +
         ",\"data_offsets\":" + offsets + "}";
}

TensorFile two_tensors() {
  static const std::vector<float> kWeight = {1.5F, -2, 3, 4, 5, 6};
  static const std::int64_t kCount = 77;
  TensorFile content;
  content.metadata = {{"format", "lathe.checkpoint"}, {"note", "a \"quoted\" text"}};
  content.tensors = {
      {"stem.weight", "F32", {2, 3}, {reinterpret_cast<const char*>(kWeight.data()), 24}},
      {"count", "I64", {}, {reinterpret_cast<const char*>(&kCount), 8}}};
  return content;
}

}  // namespace

TEST_CASE("a written file follows the format byte by byte", "[supernet][checkpoint]") {
  const TempFolder folder;
  write_safetensors(folder.path() / "a.safetensors", two_tensors());
  const std::string bytes = read_file(folder.path() / "a.safetensors");
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < 8; ++i)
    length += std::uint64_t(static_cast<unsigned char>(bytes[i])) << (8 * i);
  CHECK((8 + length) % 8 == 0);
  REQUIRE(bytes.size() == 8 + length + 8 + 24);
  const auto header = nlohmann::json::parse(bytes.substr(8, length));
  CHECK(header == nlohmann::json::parse(R"({
    "__metadata__": {"format": "lathe.checkpoint", "note": "a \"quoted\" text"},
    "count": {"dtype": "I64", "shape": [], "data_offsets": [0, 8]},
    "stem.weight": {"dtype": "F32", "shape": [2, 3], "data_offsets": [8, 32]}})"));
  CHECK(bytes[8 + length] == 77);
  float second = 0;
  std::memcpy(&second, bytes.data() + 8 + length + 8 + 4, 4);
  CHECK(second == -2.0F);
}

TEST_CASE("what is written comes back", "[supernet][checkpoint]") {
  const TempFolder folder;
  write_safetensors(folder.path() / "a.safetensors", two_tensors());
  const TensorFile back = read_safetensors(folder.path() / "a.safetensors");
  CHECK(back.metadata == two_tensors().metadata);
  REQUIRE(back.tensors.size() == 2);
  REQUIRE(back.find("stem.weight") != nullptr);
  CHECK(back.find("stem.weight")->shape == std::vector<std::int64_t>{2, 3});
  CHECK(back.find("stem.weight")->bytes == two_tensors().tensors[0].bytes);
  CHECK(back.find("stem.bias") == nullptr);
}

TEST_CASE("a file cut anywhere is refused", "[supernet][checkpoint][property]") {
  const TempFolder folder;
  write_safetensors(folder.path() / "a.safetensors", two_tensors());
  const std::string whole = read_file(folder.path() / "a.safetensors");
  REQUIRE(refusal(whole) == "read");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    INFO("cut to " << size << " of " << whole.size());
    CHECK_THAT(refusal(whole.substr(0, size)), ContainsSubstring("c.safetensors"));
  }
  CHECK_THAT(refusal(whole + "x"), ContainsSubstring("1 bytes left over"));
}

TEST_CASE("a broken header is refused with tensor, expected and found", "[supernet][checkpoint]") {
  const std::string data(16, 'x');
  const auto of = [&](const std::string& entries) {
    return refusal(file_bytes("{" + entries + "}", data));
  };
  CHECK(of(entry("a", "[2]", "[0,8]") + "," + entry("b", "[2]", "[8,16]")) == "read");
  CHECK_THAT(
      of(entry("a", "[2]", "[0,8]") + "," + entry("b", "[3]", "[4,16]")),
      ContainsSubstring("c.safetensors: b: expected bytes from offset 8, got from 4 (overlap)"));
  CHECK_THAT(of(entry("a", "[1]", "[0,4]") + "," + entry("b", "[2]", "[8,16]")),
             ContainsSubstring("(gap)"));
  CHECK_THAT(of(entry("a", "[2]", "[0,8]")), ContainsSubstring("8 bytes left over"));
  CHECK_THAT(
      of(entry("a", "[3]", "[0,16]")),
      ContainsSubstring("/a/data_offsets: expected as many bytes as F32 of [3] takes, got 16"));
  CHECK_THAT(of(entry("a", "[5]", "[0,20]")), ContainsSubstring("within the 16 bytes of data"));
  CHECK_THAT(of(entry("a", "[2]", "[8,0]")), ContainsSubstring("within the 16 bytes"));
  CHECK_THAT(of(entry("a", "[4]", "[0,16]", "F31")),
             ContainsSubstring("/a/dtype: expected one of safetensors' types") &&
                 ContainsSubstring("F31"));
  CHECK_THAT(of(entry("a", "[-4]", "[0,16]")), ContainsSubstring("a whole number from 0, got -4"));
  CHECK_THAT(of(entry("a", "[4.0]", "[0,16]")),
             ContainsSubstring("a whole number from 0, got 4.0"));
  CHECK_THAT(of(entry("a", "[4611686018427387904,4611686018427387904,4]", "[0,16]")),
             ContainsSubstring("takes, got 16"));
  CHECK_THAT(of(entry("a", "[18446744073709551615]", "[0,16]")), ContainsSubstring("below 2^63"));
  CHECK_THAT(of(entry("a", "{}", "[0,16]")), ContainsSubstring("/a/shape: expected a list"));
  CHECK_THAT(of(entry("a", "[4]", "[0]")), ContainsSubstring("expected [begin, end], got [0]"));
  CHECK_THAT(of("\"a\":7"), ContainsSubstring("expected an object, got 7"));
  CHECK_THAT(of("\"a\":{\"dtype\":\"F32\",\"shape\":[4]}"),
             ContainsSubstring("the key data_offsets"));
  CHECK_THAT(of("\"__metadata__\":{\"a\":1}"),
             ContainsSubstring("/__metadata__/a: expected a text, got 1"));
  CHECK_THAT(refusal(file_bytes("[1]", "")), ContainsSubstring("an object as header"));
  CHECK_THAT(refusal(file_bytes("{", "")), ContainsSubstring("c.safetensors"));
  CHECK_THAT(refusal(std::string("\xff\xff\xff\xff\xff\xff\xff\xff", 8)),
             ContainsSubstring("a header of at most 100000000 bytes, got 18446744073709551615"));
  CHECK_THAT(refusal(file_bytes("{\"a\":1,\"a\":2}", "")), ContainsSubstring("every key once"));
}

TEST_CASE("bytes that do not fit their shape are a bug of the writer", "[supernet][checkpoint]") {
  const TempFolder folder;
  TensorFile content = two_tensors();
  content.tensors[0].shape = {7};
  CHECK_THROWS_AS(write_safetensors(folder.path() / "a", content), LogicError);
  CHECK_FALSE(std::filesystem::exists(folder.path() / "a"));
}
