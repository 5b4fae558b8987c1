#include "latency/device_local.hpp"
#include "search/cli/commands.hpp"
#include "search/cli/machine_findings.hpp"
#include "search/cli/print.hpp"
#include "search/cli/tool_findings.hpp"
#include "spaces/base/program_folder.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <thread>

namespace lathe::cli {
namespace {

using nlohmann::json;
using State = Finding::State;

/// Long enough for 50 ticks of each core's clock.
constexpr std::chrono::milliseconds kWatch(500);

std::string stat_text() {
  std::ifstream file("/proc/stat");
  return {std::istreambuf_iterator<char>(file), {}};
}

Finding load_now() {
  const std::string earlier = stat_text();
  std::this_thread::sleep_for(kWatch);
  return load_finding(earlier, stat_text());
}

std::vector<Finding> findings(const General& general) {
  const std::filesystem::path root = "/";
  std::vector<Finding> all = {processor_finding(root), memory_finding(root),
                              disk_finding(std::filesystem::current_path()), clock_finding(root),
                              load_now()};
  const auto add = [&](std::vector<Finding> more) {
    std::move(more.begin(), more.end(), std::back_inserter(all));
  };
  add(config_findings(general));
  add(probe_findings(latency::probe_beside_program()));
  add({torch_finding(), onnxruntime_finding(program_folder())});
  const char* const path = std::getenv("PATH");
  add(remote_findings(path != nullptr ? path : ""));
  return all;
}

std::string word(State state) {
  switch (state) {
    case State::ok:
      return "ok";
    case State::note:
      return "note";
    case State::missing:
      return "missing";
  }
  return "";
}

json to_json(const Finding& finding) {
  json value = {{"what", finding.what},
                {"state", word(finding.state)},
                {"found", finding.found},
                {"remedy", finding.remedy},
                {"facts", json::object()}};
  for (const auto& [name, fact] : finding.facts) {
    std::visit([&, &key = name](const auto& known) { value["facts"][key] = known; }, fact);
  }
  return value;
}

/// State, thing and what was found, with what to do below.
std::string screen(const std::vector<Finding>& all) {
  std::size_t widest = 0;
  for (const Finding& finding : all) widest = std::max(widest, finding.what.size());
  const std::size_t state_width = word(State::missing).size() + 2,
                    indent = state_width + widest + 2;
  std::string text;
  for (const Finding& finding : all) {
    const std::string state = word(finding.state);
    text += state + std::string(state_width - state.size(), ' ') + finding.what +
            std::string(indent - state_width - finding.what.size(), ' ') +
            wrapped(finding.found, indent) + "\n";
    if (finding.remedy.empty()) continue;
    text += std::string(indent, ' ') + wrapped("-> " + finding.remedy, indent) + "\n";
  }
  return text;
}

}  // namespace

void run(const General& general, const DoctorOptions&) {
  const std::vector<Finding> all = findings(general);
  if (general.json) {
    for (const Finding& finding : all) print_json(to_json(finding));
  } else {
    print(screen(all));
  }
  flush_output();
  const auto first = std::find_if(all.begin(), all.end(), [](const Finding& finding) {
    return finding.state == State::missing;
  });
  if (first == all.end()) return;
  throw Error(first->code, text(Problem{"lathe doctor", "all that Lathe's commands need",
                                        "no working " + first->what, "its line says what to do"}));
}

}  // namespace lathe::cli
