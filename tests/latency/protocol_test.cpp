#include "latency/protocol.hpp"

#include "latency/device_config.hpp"
#include "latency/plan.hpp"
#include "spaces/base/json_io.hpp"
#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>

using namespace lathe;
using namespace lathe::latency;

namespace {

Protocol read(const nlohmann::json& value) {
  Protocol protocol;
  ConfigReader::read(value, "measure.json", Strictness::config,
                     [&](ConfigReader& reader) { protocol.read(reader); });
  return protocol;
}

}  // namespace

TEST_CASE("a protocol comes back from its JSON as it was", "[latency][config]") {
  Protocol protocol;
  protocol.rounds = 17;
  protocol.min_time = Micros{1234.5};
  protocol.cores = {1, 3};
  protocol.threads = 2;
  protocol.clock = Clock::steady;
  protocol.quantile = 0.1;
  const Protocol back = protocol_from_json(to_json(protocol), "test");
  CHECK(to_json(back) == to_json(protocol));
  CHECK(back.min_time == Micros{1234.5});
  CHECK_FALSE(difference(back, protocol));
  protocol.rounds = 12;
  CHECK(difference(back, protocol) == std::optional<std::string>("rounds: 17, not 12"));
}

TEST_CASE("protocols that mean nothing are refused", "[latency][config]") {
  CHECK_THROWS_WITH(read({{"threads", 2}}), ContainsSubstring("measure.json: /clock") &&
                                                ContainsSubstring("\"thread_cpu\" with 2 threads"));
  CHECK_THROWS_WITH(read({{"min_time", "3ms"}, {"max_time", "2ms"}}),
                    ContainsSubstring("/max_time") && ContainsSubstring("at least min_time (3"));
  CHECK_THROWS_WITH(read({{"rounds", 0}}),
                    ContainsSubstring("/rounds") && ContainsSubstring("[1, 10000]"));
  CHECK_THROWS_WITH(read({{"round", 12}}),
                    ContainsSubstring("round") && ContainsSubstring("rounds"));
  CHECK_THROWS_WITH(read({{"clock", "cpu"}}), ContainsSubstring("thread_cpu"));
  CHECK_THROWS_WITH(read({{"evict", "some"}}), ContainsSubstring("/evict") &&
                                                   ContainsSubstring("\"network\" or a size") &&
                                                   ContainsSubstring("got \"some\""));
}

TEST_CASE("what is evicted is a size, or a network's weights", "[latency][config]") {
  CHECK_FALSE(read({{"evict", "network"}}).evict_bytes);
  const Protocol fixed = read({{"evict", "2MiB"}});
  CHECK(fixed.evict_bytes == 2 * 1024 * 1024);
  CHECK(protocol_from_json(to_json(fixed), "test").evict_bytes == fixed.evict_bytes);
  CHECK(read({{"evict", "0B"}}).evict_bytes == 0);
}

TEST_CASE("statistics have names", "[latency]") {
  CHECK(statistic_name(0.25) == "p25");
  CHECK(statistic_name(0.5) == "median");
  CHECK(statistic_name(0.975) == "p97.5");
  CHECK(statistic_name(0) == "minimum");
}

TEST_CASE("the shipped configs are read, and the default is the code's", "[latency][config]") {
  const auto load = [](const char* file) {
    return read_measure_config(load_json(file, Comments::allowed), file);
  };
  const MeasureConfig shipped = load("configs/measure/default.json");
  CHECK_FALSE(difference(shipped.protocol, Protocol{}));
  CHECK(shipped.fit_networks == MeasureConfig{}.fit_networks);
  CHECK(shipped.check_networks == MeasureConfig{}.check_networks);
  CHECK(load("configs/measure/quick.json").protocol.rounds == 3);
}

TEST_CASE("a device is local or a file", "[latency][config]") {
  CHECK(find_device_config("local", "configs").engine == "xnnpack");
  const DeviceConfig pinned = find_device_config("this-machine", "configs");
  CHECK(pinned.cores == std::vector<int>{0});
  Protocol protocol;
  apply(pinned, protocol);
  CHECK(protocol.cores == std::vector<int>{0});
  CHECK(protocol.clock == Clock::thread_cpu);
  DeviceConfig wide;
  wide.threads = 2;
  apply(wide, protocol);
  CHECK(protocol.clock == Clock::steady);
  CHECK_THROWS_WITH(find_device_config("pixel", "configs"),
                    ContainsSubstring("device \"pixel\"") && ContainsSubstring("configs/devices"));
  CHECK_THROWS_WITH(find_device_config("adb:1234", "configs"),
                    ContainsSubstring("\"adb\", which this version does not reach"));
}
