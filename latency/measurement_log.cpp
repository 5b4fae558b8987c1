#include "latency/measurement_log.hpp"

#include "spaces/base/hash.hpp"
#include "spaces/base/json_io.hpp"
#include "spaces/base/json_text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace lathe::latency {
namespace {

using nlohmann::json;

constexpr const char* kFormat = "lathe.measurement-log";
constexpr int kVersion = 1;
constexpr std::array<const char*, 4> kRoles = {"block", "fit", "check", "network"};

Role read_role(ConfigReader& reader) {
  std::string word;
  reader.required().word("role", word, {kRoles.begin(), kRoles.end()}, "what it is measured for");
  return static_cast<Role>(std::find(kRoles.begin(), kRoles.end(), word) - kRoles.begin());
}

LogSection read_section(const json& value, const std::string& where) {
  LogSection section;
  ConfigReader::read(value, where, Strictness::data, [&](ConfigReader& reader) {
    read_head(reader, where, kFormat, kVersion, section);
    reader.required().objects(
        "items",
        [&](ConfigReader& r, std::size_t index) {
          Item item;
          json net;
          section.roles.push_back(read_role(r));
          r.required().string("name", item.name, "block key or network text");
          r.required().any("net", net, "blocks and wiring");
          item.net =
              network_from_json(net, place_in(where, "/items/") + std::to_string(index) + "/net");
          section.items.push_back(std::move(item));
        },
        "what is measured");
  });
  return section;
}

/// Puts samples into the last section and refuses those that cannot be there.
class Reader {
 public:
  explicit Reader(const std::filesystem::path& file) : file_(file.string()) {}

  void line(int number, const json& value) {
    const std::string where = file_ + ": line " + std::to_string(number);
    if (value.is_object() && value.size() == 1 && value.contains("section")) {
      sections.push_back(read_section(value["section"], place_in(where, "/section")));
      seen_.clear();
      return;
    }
    const bool is_sample = value.is_object() && value.size() == 1 && value.contains("sample");
    if (!is_sample || sections.empty()) {
      throw FormatError(Problem{where,
                                sections.empty() ? "a section of a measurement log"
                                                 : "a sample or a section of a measurement log",
                                is_sample ? "a sample" : value.dump().substr(0, 60), ""});
    }
    add(sample_from_json(value["sample"], place_in(where, "/sample")), where);
  }

  std::vector<LogSection> sections;

 private:
  void add(Sample sample, const std::string& where) {
    LogSection& section = sections.back();
    const auto items = static_cast<int>(section.items.size());
    if (sample.item >= items || sample.round >= section.protocol.rounds) {
      throw FormatError(Problem{
          where,
          "an item below " + std::to_string(items) + " and a round below " +
              std::to_string(section.protocol.rounds),
          "item " + std::to_string(sample.item) + ", round " + std::to_string(sample.round), ""});
    }
    const bool has_runs = std::holds_alternative<Sample::Runs>(sample.runs);
    if (has_runs && !seen_.insert({sample.item, sample.round}).second) {
      throw FormatError(Problem{where, "each item once in each round",
                                "item " + std::to_string(sample.item) + ", round " +
                                    std::to_string(sample.round) + " again",
                                ""});
    }
    section.samples.push_back(std::move(sample));
  }

  std::string file_;
  std::set<std::pair<int, int>> seen_;  ///< items and rounds of the last section
};

}  // namespace

std::vector<std::vector<int>> done_rounds(const LogSection& section) {
  std::vector<std::vector<int>> rounds(section.items.size());
  for (const Sample& sample : section.samples) {
    if (std::holds_alternative<Failure>(sample.runs)) continue;
    rounds[static_cast<std::size_t>(sample.item)].push_back(sample.round);
  }
  return rounds;
}

json section_line(const LogSection& section) {
  json items = json::array();
  for (std::size_t i = 0; i < section.items.size(); ++i) {
    json item = to_json(section.items[i]);
    item["role"] = kRoles[static_cast<std::size_t>(section.roles[i])];
    items.push_back(std::move(item));
  }
  json head = head_json(kFormat, kVersion, section);
  head["items"] = std::move(items);
  return {{"section", std::move(head)}};
}

json sample_line(const Sample& sample) { return {{"sample", to_json(sample)}}; }

std::vector<LogSection> read_log(const std::filesystem::path& file, int* torn) {
  return parse_log(read_file(file), file, torn);
}

std::vector<LogSection> parse_log(std::string_view text, const std::filesystem::path& file,
                                  int* torn) {
  Reader reader(file);
  const int torn_line = parse_jsonl(
      text, file.string(), [&](int number, const json& value) { reader.line(number, value); });
  if (torn != nullptr) *torn = torn_line;
  if (reader.sections.empty()) {
    throw FormatError(Problem{file.string(), "a measurement log", "no whole line", ""});
  }
  return std::move(reader.sections);
}

std::optional<std::string> difference(const LogSection& found, const LogSection& wanted) {
  if (auto text = difference(found.device, wanted.device)) return text;
  if (auto text = difference(found.protocol, wanted.protocol)) return text;
  if (found.space != wanted.space) return "space " + found.space + ", not " + wanted.space;
  if (found.space_fingerprint != wanted.space_fingerprint) {
    return "space fingerprint " + hex(found.space_fingerprint) + ", not " +
           hex(wanted.space_fingerprint);
  }
  if (found.seed != wanted.seed) {
    return "seed " + std::to_string(found.seed) + ", not " + std::to_string(wanted.seed);
  }
  if (found.items.size() != wanted.items.size()) {
    return std::to_string(found.items.size()) + " items, not " +
           std::to_string(wanted.items.size());
  }
  for (std::size_t i = 0; i < found.items.size(); ++i) {
    if (found.items[i].name == wanted.items[i].name && found.roles[i] == wanted.roles[i]) continue;
    return "item " + std::to_string(i) + " \"" + found.items[i].name + "\", not \"" +
           wanted.items[i].name + "\"";
  }
  return std::nullopt;
}

}  // namespace lathe::latency
