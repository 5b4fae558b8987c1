#include "latency/job.hpp"

#include "spaces/base/json_text.hpp"
#include "spaces/block.hpp"

#include <nlohmann/json.hpp>

#include <limits>
#include <utility>

namespace lathe::latency {
namespace {

using nlohmann::json;

constexpr int kLargestSize = 1 << 20;
constexpr int kLargestIndex = std::numeric_limits<int>::max();
constexpr std::int64_t kLargestSeed = std::numeric_limits<std::int64_t>::max();

/// Reads a value of a file of ours; what `read` does not read is refused.
void read_data(const json& value, const std::string& where,
               const std::function<void(ConfigReader&)>& read) {
  ConfigReader::read(value, where, Strictness::data, read);
}

std::vector<double> counts(const std::vector<Micros>& times) {
  std::vector<double> values;
  values.reserve(times.size());
  for (const Micros time : times) values.push_back(time.count());
  return values;
}

std::vector<Micros> times_at(ConfigReader& reader, const std::string& key,
                             const std::string& meaning) {
  std::vector<double> values;
  reader.required().numbers(key, values, {0, 1e12}, meaning);
  return {values.begin(), values.end()};
}

json known_or_unknown(const std::optional<double>& value) {
  return value ? json(*value) : json("unknown");
}

std::optional<double> number_or_unknown(ConfigReader& reader, const std::string& key,
                                        Range<double> range, const std::string& meaning) {
  json value = "unknown";
  reader.any(key, value, meaning);
  if (value == "unknown") return std::nullopt;
  const bool is_number = value.is_number();
  const double number = is_number ? value.get<double>() : 0;
  if (!is_number || number < range.least || number > range.most) {
    reader.refuse(key,
                  "a number in [" + json(range.least).dump() + ", " + json(range.most).dump() +
                      "] or \"unknown\"",
                  value.dump());
  }
  return number;
}

json to_json(const ClockState& clock) {
  return {{"frequency_mhz", known_or_unknown(clock.frequency_mhz)},
          {"temperature_c", known_or_unknown(clock.temperature_c)}};
}

ClockState read_clock(ConfigReader& reader) {
  ClockState clock;
  clock.frequency_mhz =
      number_or_unknown(reader, "frequency_mhz", {0, 1e6}, "of the first core used");
  clock.temperature_c =
      number_or_unknown(reader, "temperature_c", {-273.15, 1e4}, "of the hottest zone");
  return clock;
}

void read_place(ConfigReader& reader, int& item, int& round) {
  reader.required().integer("item", item, {0, kLargestIndex}, "index of the item");
  reader.required().integer("round", round, {0, kLargestIndex}, "round from 0");
}

}  // namespace

json to_json(const DeviceInfo& info) {
  return {{"name", info.name},
          {"model", info.model},
          {"system", info.system},
          {"engine", info.engine},
          {"engine_version", info.engine_version},
          {"processors", info.processors}};
}

DeviceInfo device_info_from_json(const json& value, const std::string& where) {
  DeviceInfo info;
  read_data(value, where, [&](ConfigReader& reader) {
    reader.required().string("name", info.name, "how the device is named");
    reader.required().string("model", info.model, "CPU or phone model");
    reader.required().string("system", info.system, "operating system");
    reader.required().string("engine", info.engine, "engine");
    reader.required().string("engine_version", info.engine_version, "the engine's version");
    reader.required().integer("processors", info.processors, {0, 65536}, "logical processors");
  });
  return info;
}

std::optional<std::string> difference(const DeviceInfo& found, const DeviceInfo& wanted) {
  const auto differ = [](const char* what, const std::string& a, const std::string& b) {
    return std::string(what) + " \"" + a + "\", not \"" + b + "\"";
  };
  if (found.model != wanted.model) return differ("device model", found.model, wanted.model);
  if (found.engine != wanted.engine) return differ("engine", found.engine, wanted.engine);
  if (found.engine_version != wanted.engine_version) {
    return differ("engine version", found.engine_version, wanted.engine_version);
  }
  return std::nullopt;
}

std::string item_name(const spaces::Placed& block) {
  std::string name = key(block.block);
  if (block.precision != spaces::Precision::fp32) {
    name += ' ';
    name += name_of(block.precision);
  }
  return name;
}

Item item_of(const spaces::Placed& block) {
  LATHE_CHECK(block.block.in.size() == 1, "only blocks with one input can be measured alone");
  spaces::Placed alone = block;
  alone.inputs.clear();
  return {item_name(block), {block.block.in.front(), {alone}, {}}};
}

json to_json(const spaces::NetworkSpec& net) {
  json blocks = json::array();
  for (const spaces::Placed& placed : net.blocks) {
    json block = {{"key", key(placed.block)}, {"precision", name_of(placed.precision)}};
    if (!placed.inputs.empty()) block["inputs"] = placed.inputs;
    blocks.push_back(std::move(block));
  }
  json value = {{"input", {net.input.height, net.input.width, net.input.channels}},
                {"blocks", std::move(blocks)}};
  if (!net.outputs.empty()) value["outputs"] = net.outputs;
  return value;
}

spaces::NetworkSpec network_from_json(const json& value, const std::string& where) {
  spaces::NetworkSpec net;
  read_data(value, where, [&](ConfigReader& reader) {
    std::vector<int> input;
    reader.required().integers("input", input, {1, kLargestSize}, "height, width, channels");
    if (input.size() != 3) {
      reader.refuse("input", "three sizes", std::to_string(input.size()));
    }
    net.input = {input[0], input[1], input[2]};
    const auto read_block = [&](ConfigReader& block, std::size_t index) {
      spaces::Placed placed;
      std::string text, precision = "fp32";
      const int last = static_cast<int>(index) - 1;
      block.required().string("key", text, "the block's key");
      block.word("precision", precision, {"fp32", "fp16", "int8"}, "precision");
      block.integers("inputs", placed.inputs, {-1, last}, "earlier blocks; -1 the image");
      placed.block =
          spaces::parse_key(text, place_in(where, "/blocks/") + std::to_string(index) + "/key");
      placed.precision = spaces::parse_precision(precision, where);
      net.blocks.push_back(std::move(placed));
    };
    reader.required().objects("blocks", read_block, "the blocks in forward order");
    if (net.blocks.empty()) reader.refuse("blocks", "at least one block", "none");
    const int last = static_cast<int>(net.blocks.size()) - 1;
    reader.integers("outputs", net.outputs, {0, last}, "indices of blocks; absent: the last");
  });
  return net;
}

json to_json(const Item& item) { return {{"name", item.name}, {"net", to_json(item.net)}}; }

Item item_from_json(const json& value, const std::string& where) {
  Item item;
  read_data(value, where, [&](ConfigReader& reader) {
    json net;
    reader.required().string("name", item.name, "key or network text");
    reader.required().any("net", net, "the network");
    item.net = network_from_json(net, place_in(where, "/net"));
  });
  return item;
}

json to_json(const EngineJob& job) {
  json items = json::array();
  for (const Item& item : job.job.items) items.push_back(to_json(item));
  return {{"format", "lathe.job"},
          {"version", 1},
          {"key_grammar", spaces::kKeyGrammarVersion},
          {"engine", job.engine},
          {"protocol", to_json(job.job.protocol)},
          {"seed", job.job.seed},
          {"done", job.job.done},
          {"items", std::move(items)}};
}

EngineJob engine_job_from_json(const json& value, const std::string& where) {
  EngineJob result;
  Job& job = result.job;
  read_data(value, where, [&](ConfigReader& reader) {
    reader.header("lathe.job", 1);
    int grammar = 0;
    reader.required().integer("key_grammar", grammar,
                              {spaces::kKeyGrammarVersion, spaces::kKeyGrammarVersion},
                              "version of the block keys");
    reader.required().string("engine", result.engine, "engine");
    json protocol, done = json::array();
    reader.required().any("protocol", protocol, "the protocol");
    job.protocol = protocol_from_json(protocol, place_in(where, "/protocol"));
    std::int64_t seed = 0;
    reader.required().integer64("seed", seed, {0, kLargestSeed}, "of order, weights and inputs");
    job.seed = static_cast<std::uint64_t>(seed);
    reader.any("done", done, "rounds of each item that are not run");
    json items;
    reader.required().any("items", items, "what to measure");
    if (!items.is_array()) reader.refuse("items", "a list", items.type_name());
    for (std::size_t i = 0; i < items.size(); ++i) {
      job.items.push_back(item_from_json(items[i], place_in(where, "/items/") + std::to_string(i)));
    }
    if (!done.is_array() || (!done.empty() && done.size() != items.size())) {
      reader.refuse("done",
                    "a list of rounds for each of " + std::to_string(items.size()) + " items",
                    done.dump());
    }
    for (const json& rounds : done) {
      std::vector<int>& list = job.done.emplace_back();
      if (!rounds.is_array()) reader.refuse("done", "lists of rounds", rounds.dump());
      for (const json& round : rounds) {
        const std::int64_t number = round.is_number_integer() ? round.get<std::int64_t>() : -1;
        const bool is_round = number >= 0 && number < job.protocol.rounds;
        if (!is_round) {
          reader.refuse("done", "rounds below " + std::to_string(job.protocol.rounds),
                        round.dump());
        }
        list.push_back(round.get<int>());
      }
    }
  });
  return result;
}

json to_json(const Sample& sample) {
  json value = to_json(sample.clock);
  value["item"] = sample.item;
  value["round"] = sample.round;
  if (const auto* failure = std::get_if<Failure>(&sample.runs)) {
    value["failure"] = failure->reason;
  } else {
    const auto& runs = std::get<Sample::Runs>(sample.runs);
    value["by_clock_us"] = counts(runs.by_clock);
    value["wall_us"] = counts(runs.wall);
  }
  if (sample.max_difference) value["max_difference"] = *sample.max_difference;
  return value;
}

Sample sample_from_json(const json& value, const std::string& where) {
  Sample sample;
  read_data(value, where, [&](ConfigReader& reader) {
    read_place(reader, sample.item, sample.round);
    sample.clock = read_clock(reader);
    double difference = 0;
    reader.number("max_difference", difference, {0, 1e300}, "from the reference's output");
    if (reader.has("max_difference")) sample.max_difference = difference;
    if (reader.has("failure")) {
      Failure failure;
      reader.string("failure", failure.reason, "why there are no runs");
      sample.runs = failure;
      return;
    }
    if (!reader.has("by_clock_us")) {
      reader.refuse("", "the key by_clock_us or failure", "neither");
    }
    Sample::Runs runs;
    runs.by_clock = times_at(reader, "by_clock_us", "by the protocol's clock");
    runs.wall = times_at(reader, "wall_us", "wall time of the same runs");
    if (runs.by_clock.empty() || runs.by_clock.size() != runs.wall.size()) {
      reader.refuse(
          "wall_us", "as many numbers as by_clock_us, at least one",
          std::to_string(runs.wall.size()) + " beside " + std::to_string(runs.by_clock.size()));
    }
    sample.runs = std::move(runs);
  });
  return sample;
}

json to_json(const ProbeLine& line) {
  if (const auto* started = std::get_if<Started>(&line)) {
    return {
        {"started", {{"device", to_json(started->device)}, {"clock", to_json(started->clock)}}}};
  }
  if (const auto* began = std::get_if<Began>(&line)) {
    return {{"began", {{"item", began->item}, {"round", began->round}}}};
  }
  if (const auto* sample = std::get_if<Sample>(&line)) return {{"sample", to_json(*sample)}};
  return {{"ended", {{"stopped", std::get<Ended>(line).stopped}}}};
}

ProbeLine probe_line_from_json(const json& value, const std::string& where) {
  ProbeLine line;
  read_data(value, where, [&](ConfigReader& reader) {
    if (reader.has("began")) {
      Began began;
      reader.object(
          "began", [&](ConfigReader& r) { read_place(r, began.item, began.round); }, "an item");
      line = began;
    } else if (reader.has("sample")) {
      json sample;
      reader.any("sample", sample, "a sample");
      line = sample_from_json(sample, place_in(where, "/sample"));
    } else if (reader.has("ended")) {
      Ended ended;
      reader.object(
          "ended",
          [&](ConfigReader& r) { r.required().boolean("stopped", ended.stopped, "by a signal"); },
          "the end");
      line = ended;
    } else {
      if (!reader.has("started")) {
        reader.refuse("", "one of the keys started, began, sample, ended", value.dump());
      }
      Started started;
      reader.required().object(
          "started",
          [&](ConfigReader& r) {
            json device;
            r.required().any("device", device, "the device");
            started.device = device_info_from_json(device, place_in(where, "/started/device"));
            r.object(
                "clock", [&](ConfigReader& c) { started.clock = read_clock(c); }, "its clock");
          },
          "the start");
      line = started;
    }
  });
  return line;
}

}  // namespace lathe::latency
