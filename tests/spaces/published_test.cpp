#include "spaces/additive_cost.hpp"
#include "spaces/base/error.hpp"
#include "spaces/base/json_io.hpp"
#include "tests/spaces/space_support.hpp"
#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>

#include <cstdlib>
#include <set>

// Counts of published networks, exact to the last multiplication. Sources: TF-slim's README tables
// and code (MobileNetV2, V3), the released configurations of Once-for-All, NAS-Bench-Macro's own
// numbers.

using namespace lathe;
using namespace lathe::spaces;

namespace {

/// MACs of each block, in forward order.
std::vector<std::int64_t> block_macs(const std::string& space, const std::string& network) {
  const NamedNetwork named = parse_network(load_space(space), network, "test");
  std::vector<std::int64_t> all;
  for (const Placed& placed : named.space.decode(named.arch).blocks) {
    if (const Count one = count(placed.block); one.params > 0) all.push_back(one.macs);
  }
  return all;
}

/// A network of an OFA-like space in which all blocks are alike.
std::string uniform(int resolution, int kernel, int expand, int depth) {
  std::string text = "r" + std::to_string(resolution);
  for (int stage = 0; stage < 5; ++stage) {
    if (stage > 0) text += " /";
    for (int i = 0; i < depth; ++i) {
      text += " k" + std::to_string(kernel) + "e" + std::to_string(expand);
    }
  }
  return text;
}

}  // namespace

TEST_CASE("MobileNetV2 has its published counts at every width and resolution",
          "[spaces][golden]") {
  struct Row {
    const char* width;
    int resolution;
    std::int64_t macs, params, params_without_norm;
  };
  const std::vector<Row> rows = {
      {"1.4", 224, 582195824, 6108776, 6062633},  {"1", 224, 300774272, 3504872, 3472041},
      {"1", 192, 221316608, 3504872, 3472041},    {"1", 160, 154083200, 3504872, 3472041},
      {"1", 128, 99074048, 3504872, 3472041},     {"1", 96, 56289152, 3504872, 3472041},
      {"0.75", 224, 209069792, 2636424, 2611065}, {"0.75", 192, 153941888, 2636424, 2611065},
      {"0.75", 160, 107295200, 2636424, 2611065}, {"0.75", 128, 69129728, 2636424, 2611065},
      {"0.75", 96, 39445472, 2636424, 2611065},   {"0.5", 224, 97131840, 1968680, 1951417},
      {"0.5", 192, 71701760, 1968680, 1951417},   {"0.5", 160, 50184000, 1968680, 1951417},
      {"0.5", 128, 32578560, 1968680, 1951417},   {"0.5", 96, 18885440, 1968680, 1951417},
      {"0.35", 224, 59285808, 1677128, 1664329},  {"0.35", 160, 30874800, 1677128, 1664329},
      {"0.35", 128, 20220672, 1677128, 1664329},
  };
  CHECK(rows.size() == 19);
  for (const Row& row : rows) {
    const std::string network =
        std::string("width=") + row.width + " resolution=" + std::to_string(row.resolution);
    INFO(network);
    const Count counted = count_network("mobilenet-v2", network);
    CHECK(counted.macs == row.macs);
    CHECK(counted.params == row.params);
    CHECK(count_network("mobilenet-v2:classes=1001", network, {BnParams::none, false}).params ==
          row.params_without_norm);
  }
}

TEST_CASE("MobileNetV2's stages add up as published", "[spaces][golden]") {
  const SearchSpace space = load_space("mobilenet-v2");
  const NamedNetwork named = parse_network(space, "width=1 resolution=224", "test");
  std::vector<std::pair<std::string, Count>> stages;
  for (const Placed& placed : space.decode(named.arch).blocks) {
    const std::string slot = space.slot_name(placed.slot);
    const std::string stage = slot.substr(0, slot.find('.'));
    if (stages.empty() || stages.back().first != stage) stages.push_back({stage, {}});
    const Count one = count(placed.block);
    stages.back().second.macs += one.macs;
    stages.back().second.params += one.params;
  }
  const std::vector<Count> expected = {{10838016, 928},    {10035200, 896},
                                       {54942720, 13968},  {37443840, 39696},
                                       {38497536, 183872}, {58103808, 303168},
                                       {46560192, 795264}, {23002560, 473920},
                                       {20070400, 412160}, {0, 0},
                                       {1280000, 1281000}};
  REQUIRE(stages.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    INFO(stages[i].first);
    CHECK(stages[i].second.macs == expected[i].macs);
    CHECK(stages[i].second.params == expected[i].params);
  }
}

TEST_CASE("MobileNetV3 has its published counts", "[spaces][golden]") {
  const auto check = [](const std::string& space, std::int64_t macs, std::int64_t params) {
    INFO(space);
    CHECK(count_network(space, "width=1").macs == macs);
    CHECK(count_network(space, "width=1").params == params);
  };
  check("mobilenet-v3-large", 216589760, 5483032);
  check("mobilenet-v3-small", 56510400, 2542856);
  check("mobilenet-v3-large-minimalistic", 209136704, 3924288);
  CHECK(count_network("mobilenet-v3-small-minimalistic", "{}").params ==
        2044736);  // 2.0 M published
  // 155 M and 4.0 M were published for width 0.75.
  CHECK(count_network("mobilenet-v3-large", "width=0.75").macs == 154560624);
  CHECK(count_network("mobilenet-v3-large", "width=0.75").params == 3993528);
}

TEST_CASE("MobileNetV3-Large's blocks have their published MACs", "[spaces][golden]") {
  CHECK(block_macs("mobilenet-v3-large", "width=1 resolution=224") ==
        std::vector<std::int64_t>{5419008, 5017600, 19468288, 12870144, 9091584, 9886080, 9886080,
                                  11712960, 6624800, 6094816, 6094816, 19025280, 30914688, 21069216,
                                  16689600, 16689600, 7526400, 1228800, 1280000});
}

TEST_CASE("MobileNetV3-Large is nearly a point of OFA's space", "[spaces][golden]") {
  const Count counted = count_network(
      "ofa-mbv3",
      "r224 k3e4 k3e3 / k5e3 k5e3 k5e3 / k3e6 k3e3 k3e3 k3e3 / k3e6 k3e6 / k5e6 k5e6 k5e6");
  CHECK(counted.macs == 221624608);
  CHECK(counted.params == 5508048);
}

TEST_CASE("OFA's space has its published extremes", "[spaces][golden]") {
  const auto check = [](const std::string& name, int resolution, const std::vector<Count>& counts) {
    const std::vector<std::string> networks = {
        uniform(resolution, 7, 6, 4), uniform(resolution, 5, 4, 3), uniform(resolution, 3, 3, 2)};
    const SearchSpace space = load_space(name + (name.find(':') == name.npos ? ":" : ",") +
                                         "resolution=" + std::to_string(resolution));
    for (std::size_t i = 0; i < networks.size(); ++i) {
      INFO(name << " " << networks[i]);
      const Count counted = count_network(name, networks[i]);
      CHECK(counted.macs == counts[i].macs);
      CHECK(counted.params == counts[i].params);
    }
    CHECK(to_text(space, space.largest()) == networks[0]);
    CHECK(to_text(space, space.smallest()) == networks[2]);
  };
  check("ofa-mbv3", 224, {{566170656, 7664760}, {250746944, 4551792}, {121278672, 3410792}});
  check("ofa-mbv3", 128, {{188248320, 7664760}, {84099584, 4551792}, {41476224, 3410792}});
  check("ofa-mbv3:width=1.2", 224,
        {{843101040, 10701632}, {385659168, 6245312}, {193078200, 4602456}});
  check("ofa-mbv3-cifar", 32, {{179706624, 6396570}, {77130752, 3283602}, {35293824, 2142602}});
  check("ofa-mbv3-cifar:classes=100", 32,
        {{179821824, 6511860}, {77245952, 3398892}, {35409024, 2257892}});
}

TEST_CASE("the released OFA networks have their published counts", "[spaces][golden]") {
  struct Row {
    const char* id;
    const char* width;
    const char* network;
    std::int64_t macs, params;
  };
  const std::vector<Row> rows = {
      {"LG-G8 11ms, 73.0", "1.0",
       "r156 k3e3 k3e3 / k5e3 k3e4 k7e4 / k5e4 k3e3 / k5e4 k3e4 k5e3 / k5e6 k7e6 k5e4", 103373272,
       4965160},
      {"LG-G8 24ms, 76.4", "1.0",
       "r220 k3e3 k3e3 / k7e4 k5e3 k3e3 / k5e6 k5e4 k5e3 / k3e4 k7e4 k5e3 / k5e6 k7e6 k3e6 k3e4",
       229846296, 5809576},
      {"flops-389M, 79.1", "1.2",
       "r224 k3e3 k3e3 / k5e3 k5e6 k3e3 / k5e4 k5e4 k3e3 / k5e6 k5e4 k3e4 k3e4 / k3e6 k3e6 k7e6 "
       "k3e3",
       389487856, 8386544},
      {"flops-595M, 80.0", "1.2",
       "r236 k3e3 k5e4 k3e3 / k5e4 k5e4 k3e6 k5e3 / k7e6 k5e6 k3e3 k5e4 / k3e6 k5e6 k7e6 k3e4 / "
       "k3e6 k3e6 k5e6 k3e3",
       595189032, 9135928},
      {"note10 16ms, 75.5", "1.0",
       "r192 k3e3 k3e3 / k5e3 k5e4 k3e4 k3e3 / k5e4 k5e4 k3e3 / k5e4 k5e4 k3e3 / k3e6 k7e4 k5e4 "
       "k3e3",
       162464384, 4932272},
      {"note10 30ms, 78.4", "1.2",
       "r224 k3e3 k3e3 / k5e4 k3e3 k3e4 / k5e4 k5e4 k3e3 / k3e6 k3e4 k3e4 / k3e6 k3e6 k3e4 k3e3",
       339352816, 7465896},
      {"note10 50ms, 79.7", "1.2",
       "r220 k5e3 k3e6 k3e6 / k5e4 k3e6 k3e6 k5e3 / k7e6 k7e6 k3e4 k5e4 / k7e6 k5e6 k3e6 k3e6 / "
       "k3e6 k3e6 k3e6",
       554390264, 9057064},
      {"note10 8ms, 71.4", "1.0",
       "r160 k3e3 k3e3 / k3e3 k3e4 / k3e4 k3e3 k3e3 / k3e3 k3e4 / k3e4 k5e4", 75802880, 3761168},
      {"note8 31ms, 72.8", "1.0",
       "r152 k5e3 k3e3 / k5e4 k5e3 / k3e4 k3e4 k5e4 / k3e4 k5e3 k7e4 / k3e6 k3e3 k5e3 k5e3",
       100520248, 4595536},
      {"note8 65ms, 76.1", "1.0",
       "r204 k7e3 k3e3 / k3e4 k5e4 k3e3 / k7e6 k3e6 k3e4 / k5e6 k3e6 k3e4 / k5e6 k5e4 k5e4 k3e3",
       219899816, 5296672},
      {"pixel1 143ms, 80.1", "1.2",
       "r240 k5e3 k3e6 k3e3 / k5e6 k5e6 k3e6 k5e3 / k7e6 k5e6 k3e6 k3e4 / k5e6 k3e6 k5e6 k3e4 / "
       "k3e6 k3e6 k5e6 k3e3",
       641756192, 9221888},
      {"pixel1 28ms, 73.3", "1.0",
       "r160 k3e3 k3e4 / k7e3 k3e6 k3e4 / k7e3 k3e6 / k3e6 k5e4 / k3e6 k3e4 k3e3 k3e6", 108572320,
       5196680},
      {"pixel1 58ms, 76.9", "1.0",
       "r220 k3e3 k3e3 / k7e4 k5e3 k3e3 / k5e6 k5e4 k5e3 / k3e4 k7e4 k5e3 / k5e6 k7e6 k3e6 k3e4",
       229846296, 5809576},
      {"pixel2 25ms, 71.5", "1.0",
       "r144 k3e3 k3e3 / k5e6 k5e4 / k7e4 k3e3 / k7e4 k7e3 k3e4 / k5e6 k3e4", 79266240, 4137152},
      {"pixel2 50ms, 74.7", "1.0",
       "r208 k3e3 k3e4 / k3e3 k3e3 / k3e3 k5e6 / k5e6 k7e4 / k3e6 k5e3 k7e4 k5e3", 165999448,
       4687720},
      {"s7edge 29ms, 70.5", "1.0", "r144 k3e3 k3e3 / k5e3 k3e4 / k5e4 k3e4 / k5e4 k5e4 / k3e6 k5e3",
       66444032, 3830224},
      {"s7edge 58ms, 74.7", "1.0",
       "r192 k3e3 k3e3 / k5e3 k3e4 / k7e4 k5e3 k3e4 k3e3 / k3e4 k3e4 k3e3 / k3e6 k5e4 k5e4",
       144701952, 4623312},
  };
  for (const Row& row : rows) {
    INFO(row.id);
    const Count counted = count_network(std::string("ofa-mbv3:width=") + row.width, row.network);
    CHECK(counted.macs == row.macs);
    CHECK(counted.params == row.params);
  }
}

TEST_CASE("NAS-Bench-Macro has its published counts", "[spaces][golden]") {
  const auto check = [](const std::string& code, std::int64_t macs, std::int64_t params) {
    INFO(code);
    CHECK(count_network("nas-bench-macro", code).macs == macs);
    CHECK(count_network("nas-bench-macro", code).params == params);
  };
  check("00000000", 7713280, 387882);
  check("11111111", 53246464, 1588874);
  check("22222222", 105660928, 2932586);
  check("12012012", 67092992, 2014602);
  check("22212220", 85164544, 1985514);
}

TEST_CASE("all published codes of NAS-Bench-Macro have their counts", "[spaces][golden]") {
  const char* const named = std::getenv("LATHE_SHARED_DATA");
  const std::filesystem::path file =
      std::filesystem::path(named != nullptr ? named : "../shared/data") /
      "nas_bench_macro/sample.json";
  if (!std::filesystem::exists(file)) {
    WARN("skipped: " << file << " is not there");
    return;
  }
  const nlohmann::json data = load_json(file, Comments::refused);
  const SearchSpace space = load_space("nas-bench-macro");
  int codes = 0;
  for (const auto& row : data.at("networks")) {
    const NamedNetwork network = parse_network(space, row.at("code").get<std::string>(), "test");
    const Count counted = count(space.decode(network.arch));
    REQUIRE(counted.macs == row.at("flops").get<std::int64_t>());
    REQUIRE(counted.params == row.at("params").get<std::int64_t>());
    ++codes;
  }
  CHECK(codes > 1000);
}

TEST_CASE("NAS-Bench-Macro has 6,561 codes and 3,969 networks", "[spaces][golden]") {
  const SearchSpace space = load_space("nas-bench-macro");
  CHECK(space.codes() == "6561");
  CHECK(space.networks() == "3969");
  std::set<std::uint64_t> ids;  // the same, one by one
  for (int code = 0; code < 6561; ++code) {
    Architecture arch;
    for (int rest = code, i = 0; i < 8; ++i, rest /= 3) {
      arch.genes.push_back(static_cast<std::uint8_t>(rest % 3));
    }
    ids.insert(network_id(space.decode(arch)));
  }
  CHECK(ids.size() == 3969);
}

TEST_CASE("MobileNetV2's peak activation memory is as published", "[spaces][golden]") {
  const SearchSpace space = load_space("mobilenet-v2");
  const NetworkSpec net = space.decode(parse_network(space, "width=1 resolution=224", "test").arch);
  CHECK(peak_activation_bytes(net) == 6021120);
  CHECK(peak_activation_bytes(net, MemoryConvention::int8) == 1505280);
  CHECK(peak_activation_bytes(net, MemoryConvention::int8_in_place) == 1404928);
}
