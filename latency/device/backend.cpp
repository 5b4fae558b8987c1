#include "latency/device/backend.hpp"

namespace lathe::latency {
namespace {

struct Engine {
  const char* name;
  std::unique_ptr<Backend> (*make)(int threads);
};

constexpr Engine kEngines[] = {
#ifdef LATHE_WITH_XNNPACK
    {"xnnpack", make_xnnpack_backend},
#endif
    {"reference", make_reference_backend},
};

}  // namespace

std::vector<std::string> engine_names() {
  std::vector<std::string> names;
  for (const Engine& engine : kEngines) names.emplace_back(engine.name);
  return names;
}

std::unique_ptr<Backend> make_backend(const std::string& engine, int threads) {
  std::string known;
  for (const Engine& candidate : kEngines) {
    if (engine == candidate.name) return candidate.make(threads);
    known += (known.empty() ? "" : ", ") + std::string(candidate.name);
  }
  throw DeviceError("expected an engine of lathe-probe (" + known + "), got \"" + engine + "\"");
}

}  // namespace lathe::latency
