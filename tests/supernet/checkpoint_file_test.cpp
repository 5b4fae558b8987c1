#include "supernet/training/checkpoint_file.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/json_io.hpp"
#include "tests/supernet/image_files.hpp"
#include "tests/supernet/refusal.hpp"
#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>

#include <functional>
#include <unistd.h>

using namespace lathe;
using namespace lathe::supernet;
using namespace lathe::test;
using namespace std::string_literals;
namespace fs = std::filesystem;

namespace {

const std::string kSpace = "0123456789abcdef";
const std::string kDamaged = "the file is damaged: restore it from a copy";
const std::string kRestore = "restore it from a copy, or start another run";
const std::string kFile = "checkpoints/000012.safetensors";

TrainState at_step_12() {
  TrainState state;
  state.entered = true;
  state.epoch = 1;
  state.epoch_step = 2;
  state.step = 12;
  return state;
}

std::string bytes_of(const TensorFile& content) {
  const TempFolder folder;
  write_safetensors(folder / "x", content);
  return read_file(folder / "x");
}

TensorFile good() {
  static const std::string kWeights(24, '\0');
  return {checkpoint_metadata({"toy", kSpace, "fedcba9876543210"}, at_step_12()),
          {{"a.weight", "F32", {2, 2}, std::string_view(kWeights).substr(0, 16)},
           {"b.bias", "F32", {2}, std::string_view(kWeights).substr(0, 8)}},
          nullptr};
}

/// A file of this header, with 24 bytes of data.
std::string with_header(const std::string& header, std::uint64_t length) {
  std::string bytes;
  for (int shift = 0; shift < 64; shift += 8) bytes += static_cast<char>(length >> shift & 0xff);
  return bytes + header + std::string(24, '\0');
}
std::string with_header(const std::string& header) { return with_header(header, header.size()); }

/// The good file with one piece of its header in place of another.
std::string with(const std::string& from, const std::string& to) {
  const std::string whole = bytes_of(good());
  std::string header = whole.substr(8, whole.size() - 8 - 24);
  const std::size_t at = header.find(from);
  REQUIRE(at != std::string::npos);
  return with_header(header.replace(at, from.size(), to));
}

struct Case {
  const char* name;
  std::string bytes;
  std::string where;  ///< behind the file's name
  std::string expected, found, remedy;
};

std::string a(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return "{\"a\":{\"dtype\":" + dtype + ",\"shape\":" + shape + ",\"data_offsets\":" + offsets +
         "}}";
}

std::vector<Case> damaged() {
  const std::string json = ": line 1, column ";
  const std::string takes = "as many bytes as F32 of ";
  return {
      {"empty", "", "", "a safetensors file", "0 bytes", kDamaged},
      {"seven bytes", std::string(7, 'x'), "", "a safetensors file", "7 bytes", kDamaged},
      {"a header of 2^63", with_header("{}", std::uint64_t(1) << 63), "",
       "a safetensors file with a header of at most", "9223372036854775808", kDamaged},
      {"a header of 2^64 - 1", with_header("{}", ~std::uint64_t(0)), "",
       "a safetensors file with a header of at most", "18446744073709551615", kDamaged},
      {"a header longer than the file", with_header("{}", 27), "", "a header of 27 bytes",
       "26 (is the file cut off?)", kDamaged},
      {"no header", with_header(""), "", "a JSON value", "nothing", "the file is empty"},
      {"no JSON", with_header("pickled"), json, "a JSON value", "invalid literal", ""},
      {"half a JSON", with_header("{\"a\":"), json, "a JSON value", "the end of the file", ""},
      {"NaN", with_header("{\"a\":NaN}"), json, "a JSON value", "invalid literal", ""},
      {"a list", with_header("[]"), "", "an object as header", "[]", kDamaged},
      {"a tensor twice", with("\"b.bias\":", "\"a.weight\":"), json, "every key once",
       "a second key \"a.weight\"", ""},
      {"a tensor that is a number", with_header("{\"a\":7}"), ": /a", "an object", "7", kDamaged},
      {"no shape", with_header("{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,24]}}"), ": /a",
       "the key shape", "none", kDamaged},
      {"a key more", with("\"dtype\":", "\"more\":1,\"dtype\":"), ": /a.weight",
       "dtype, shape and data_offsets alone", "4 keys", kDamaged},
      {"a type of no name", with_header(a("32", "[6]", "[0,24]")), ": /a/dtype",
       "one of safetensors' types", "32", kDamaged},
      {"an unknown type", with_header(a("\"F33\"", "[6]", "[0,24]")), ": /a/dtype",
       "one of safetensors' types", "\"F33\"", kDamaged},
      {"a shape that is a number", with_header(a("\"F32\"", "6", "[0,24]")), ": /a/shape", "a list",
       "6", kDamaged},
      {"a negative size", with_header(a("\"F32\"", "[-6]", "[0,24]")), ": /a/shape",
       "a whole number from 0", "-6", kDamaged},
      {"a size of 6.0", with_header(a("\"F32\"", "[6.0]", "[0,24]")), ": /a/shape",
       "a whole number from 0", "6.0", kDamaged},
      {"a size of true", with_header(a("\"F32\"", "[true]", "[0,24]")), ": /a/shape",
       "a whole number from 0", "true", kDamaged},
      {"a size of 2^63", with_header(a("\"F32\"", "[9223372036854775808]", "[0,24]")), ": /a/shape",
       "sizes below 2^63", "9223372036854775808", kDamaged},
      {"a product of 2^64", with_header(a("\"F32\"", "[4294967296,4294967296]", "[0,24]")),
       ": /a/data_offsets", takes, "24", kDamaged},
      {"a product of 2^64 that is 0 in the end",
       with_header(a("\"F32\"", "[4294967296,4294967296,0]", "[0,24]")), ": /a/data_offsets", takes,
       "24", kDamaged},
      {"one offset", with_header(a("\"F32\"", "[6]", "[0]")), ": /a/data_offsets", "[begin, end]",
       "[0]", kDamaged},
      {"offsets the wrong way", with_header(a("\"F32\"", "[6]", "[24,0]")), ": /a/data_offsets",
       "within the 24 bytes of data", "[24,0]", kDamaged},
      {"offsets outside", with_header(a("\"F32\"", "[6]", "[8,32]")), ": /a/data_offsets",
       "within the 24 bytes of data", "[8,32]", kDamaged},
      {"an offset of 2^64 - 1", with_header(a("\"F32\"", "[6]", "[18446744073709551615,24]")),
       ": /a/data_offsets", "within the 24 bytes of data", "[18446744073709551615,24]", kDamaged},
      {"an overlap", with("[16,24]", "[8,16]"), ": b.bias", "bytes from offset 16",
       "from 8 (overlap)", kDamaged},
      {"a hole", with("[16,24]", "[16,20]"), ": /b.bias/data_offsets", takes, "4", kDamaged},
      {"bytes left over", bytes_of(good()) + "x", "", "data that ends with its last tensor",
       "1 bytes left over", kDamaged},
      {"bytes before the first tensor", with_header(a("\"F32\"", "[5]", "[4,24]")), ": a",
       "bytes from offset 0", "from 4 (gap)", kDamaged},
      {"metadata that is a list", with_header("{\"__metadata__\":[]}"), ": /__metadata__",
       "an object of texts", "[]", kDamaged},
      {"metadata with a number", with_header("{\"__metadata__\":{\"format\":1}}"),
       ": /__metadata__/format", "a text", "1", kDamaged},
      {"no metadata", with_header("{}").substr(0, 10), ": /__metadata__",
       "a checkpoint of lathe train, with the text config", "none", kRestore},
  };
}

/// The words of the metadata after a change.
std::string after(const std::function<void(std::map<std::string, std::string>&)>& change) {
  TensorFile content = good();
  change(content.metadata);
  return bytes_of(content);
}

std::string refusal(const std::string& bytes, const Refusal& expected) {
  return unlike(expected, ExitCode::input, [&] { parse_checkpoint(bytes, kFile, kSpace); });
}

}  // namespace

TEST_CASE("a whole checkpoint is read", "[supernet][checkpoint]") {
  const Checkpoint checkpoint = parse_checkpoint(bytes_of(good()), kFile, kSpace);
  CHECK(checkpoint.identity.config == "fedcba9876543210");
  CHECK(to_json(checkpoint.state) == to_json(at_step_12()));
  CHECK(checkpoint.tensors.tensors.size() == 2);
}

TEST_CASE("every damaged checkpoint is refused in four parts", "[supernet][checkpoint]") {
  for (const Case& c : damaged()) {
    INFO(c.name);
    CHECK(refusal(c.bytes, {kFile + c.where, c.expected, c.found, c.remedy}) == "");
  }
}

TEST_CASE("a checkpoint cut at any power of two is refused", "[supernet][checkpoint]") {
  const std::string whole = bytes_of(good());
  for (std::size_t size = 1; size < whole.size(); size *= 2)
    CHECK(refusal(whole.substr(0, size), {kFile, "", "", kDamaged}) == "");
  CHECK(refusal(whole.substr(0, whole.size() - 1), {kFile, "", "", kDamaged}) == "");
}

TEST_CASE("each text of a checkpoint is required and checked", "[supernet][checkpoint]") {
  const std::string texts = kFile + ": /__metadata__";
  for (const auto& entry : good().metadata) {
    const std::string& name = entry.first;
    INFO(name);
    const std::string bytes = after([&](auto& metadata) { metadata.erase(name); });
    CHECK(refusal(bytes, {texts, "a checkpoint of lathe train, with the text " + name, "none",
                          kRestore}) == "");
  }
  const auto set = [&](const std::string& name, const std::string& value) {
    return after([&](auto& metadata) { metadata[name] = value; });
  };
  const std::string made = "it was made by another version of lathe";
  CHECK(refusal(set("format", "pt"), {texts + "/format", "lathe.checkpoint", "\"pt\"", made}) ==
        "");
  CHECK(refusal(set("version", "2"), {texts + "/version", "1", "\"2\"", made}) == "");
  CHECK(refusal(set("version", "1.0"), {texts + "/version", "1", "\"1.0\"", made}) == "");
  CHECK(refusal(set("space_fingerprint", "77"),
                {texts + "/space_fingerprint", kSpace, "\"77\" of \"toy\"",
                 "the space has changed since these weights were trained"}) == "");
  CHECK(refusal(set("stat", "x"), {texts, "the texts of a checkpoint alone", "\"stat\"",
                                   "did you mean state"}) == "");
  CHECK(refusal(set("zebra", "x"),
                {texts, "the texts of a checkpoint alone", "\"zebra\"", kRestore}) == "");
  CHECK(refusal(set("made_by", "me"), {texts + "/made_by", "a JSON value", "invalid", ""}) == "");
  CHECK(refusal(set("made_by", "[1]"),
                {texts + "/made_by", "a JSON object", "\"[1]\"", kRestore}) == "");
  CHECK(refusal(set("state", ""), {texts + "/state", "a JSON value", "nothing", ""}) == "");
  CHECK(refusal(set("state", "[]"), {texts + "/state", "an object", "", ""}) == "");
  CHECK(refusal(set("state", "{\"step\":1,\"step\":2}"),
                {texts + "/state", "every key once", "a second key \"step\"", ""}) == "");
  TrainState other = at_step_12();
  other.step = 13;
  CHECK(refusal(set("state", to_json(other).dump()),
                {texts + "/state: /step", "the step that the file is named by", "13",
                 "its name was 000013.safetensors"}) == "");
}

TEST_CASE("a checkpoint of another config or another plan is refused", "[supernet][checkpoint]") {
  const Checkpoint checkpoint = parse_checkpoint(bytes_of(good()), kFile, kSpace);
  const TrainPlan plan{{{"full", 3}}, 10};
  CHECK_NOTHROW(check_checkpoint(checkpoint, "fedcba9876543210", plan));
  const std::string texts = kFile + ": /__metadata__/";
  CHECK(
      unlike({texts + "config", "0", "\"fedcba9876543210\"", "the checkpoint is of another config"},
             ExitCode::input, [&] { check_checkpoint(checkpoint, "0", plan); }) == "");
  CHECK(unlike({texts + "state: /step", "11", "12", "the checkpoint is not of this run"},
               ExitCode::input, [&] {
                 check_checkpoint(checkpoint, "fedcba9876543210", {{{"full", 3}}, 9});
               }) == "");
}

TEST_CASE("a checkpoint that is no file is refused in four parts", "[supernet][checkpoint]") {
  const TempFolder folder;
  const fs::path file = folder.write("000012.safetensors", bytes_of(good()));
  REQUIRE_NOTHROW(read_checkpoint(file, kSpace));
  const auto read = [&](const fs::path& name, const std::string& found, const std::string& remedy) {
    return unlike({name.string(), "a file that can be read", found, remedy}, ExitCode::input,
                  [&] { read_checkpoint(name, kSpace); });
  };
  CHECK(read(folder / "000013.safetensors", "nothing", "did you mean " + file.string()) == "");
  CHECK(read(folder / "x/000012.safetensors", "nothing", "the folder ") == "");
  fs::create_directory(folder / "000014.safetensors");
  CHECK(read(folder / "000014.safetensors", "a folder", "name a file") == "");
  fs::permissions(file, fs::perms::none);
  fs::permissions(folder.path(), fs::perms::all);
  const bool root = ::geteuid() == 0 && ::seteuid(65534) == 0;  // root may read everything
  const std::string denied = read(file, "Permission denied", "check its permissions");
  REQUIRE((!root || ::seteuid(0) == 0));
  CHECK(denied == "");
}
