#include "latency/origin.hpp"

#include "spaces/base/hash.hpp"
#include "spaces/base/json_text.hpp"
#include "spaces/block.hpp"

#include <nlohmann/json.hpp>

#include <charconv>
#include <limits>

namespace lathe::latency {
namespace {

using nlohmann::json;

void read_grammar(ConfigReader& reader) {
  int grammar = 0;
  reader.required().integer("key_grammar", grammar, {0, std::numeric_limits<int>::max()},
                            "version of the block keys");
  if (grammar == spaces::kKeyGrammarVersion) return;
  reader.refuse("key_grammar",
                std::to_string(spaces::kKeyGrammarVersion) + " (this program's block keys)",
                std::to_string(grammar), "measure again: its keys mean something else now");
}

std::uint64_t read_fingerprint(ConfigReader& reader, const std::string& key) {
  std::string digits;
  reader.required().string(key, digits, "16 hexadecimal digits");
  std::uint64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto result = std::from_chars(digits.data(), end, value, 16);
  if (digits.size() != 16 || result.ec != std::errc() || result.ptr != end) {
    reader.refuse(key, "16 hexadecimal digits", "\"" + digits + "\"");
  }
  return value;
}

void read_build(ConfigReader& reader, Build& build) {
  reader.required().object(
      "build",
      [&](ConfigReader& r) {
        r.required().string("version", build.version, "version");
        r.required().string("revision", build.revision, "git commit");
        r.required().boolean("dirty", build.dirty, "with uncommitted changes");
        r.required().string("compiler", build.compiler, "compiler");
        r.required().string("build_type", build.build_type, "build type");
      },
      "the program that measured");
}

}  // namespace

json head_json(const std::string& format, int version, const Origin& origin) {
  return {{"format", format},
          {"version", version},
          {"key_grammar", spaces::kKeyGrammarVersion},
          {"name", origin.name},
          {"device", to_json(origin.device)},
          {"protocol", to_json(origin.protocol)},
          {"statistic", statistic_name(origin.protocol.quantile)},
          {"space", origin.space},
          {"space_fingerprint", hex(origin.space_fingerprint)},
          {"seed", origin.seed},
          {"date", origin.date},
          {"build", to_json(origin.build)}};
}

void read_head(ConfigReader& reader, const std::string& where, const std::string& format,
               int version, Origin& origin) {
  reader.header(format, version);
  read_grammar(reader);
  reader.required().string("name", origin.name, "the device's name");
  json value;
  reader.required().any("device", value, "device and engine");
  origin.device = device_info_from_json(value, place_in(where, "/device"));
  reader.required().any("protocol", value, "how it was measured");
  origin.protocol = protocol_from_json(value, place_in(where, "/protocol"));
  std::string statistic;
  reader.required().word("statistic", statistic, {statistic_name(origin.protocol.quantile)},
                         "the protocol's quantile, in words");
  reader.required().string("space", origin.space, "space that was measured");
  origin.space_fingerprint = read_fingerprint(reader, "space_fingerprint");
  std::int64_t seed = 0;
  reader.required().integer64("seed", seed, {0, std::numeric_limits<std::int64_t>::max()},
                              "of order, weights and inputs");
  origin.seed = static_cast<std::uint64_t>(seed);
  reader.required().string("date", origin.date, "UTC");
  read_build(reader, origin.build);
}

}  // namespace lathe::latency
