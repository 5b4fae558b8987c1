#include "latency/device_local.hpp"
#include "search/cli/in_child.hpp"
#include "search/cli/machine_findings.hpp"
#include "search/cli/tool_findings.hpp"
#include "spaces/base/program_folder.hpp"
#include "tests/cli/program.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <csignal>
#include <unistd.h>

using namespace lathe;
using namespace lathe::cli;
using lathe::test::Invocation;
using lathe::test::run_lathe;
using lathe::test::TemporaryFolder;
using State = Finding::State;

namespace {

/// A file of a machine that lies in a folder.
void put(const TemporaryFolder& root, const std::string& name, const std::string& text) {
  std::filesystem::create_directories((root / name).parent_path());
  lathe::test::write_text(root / name, text);
}

const char* const kXeon =
    "processor\t: 0\nmodel name\t: Some Xeon\nflags\t\t: fpu sse4_1 avx avx2 fma avx512f "
    "hypervisor\n\n"
    "processor\t: 1\nmodel name\t: Some Xeon\nflags\t\t: fpu sse4_1 avx avx2 fma avx512f "
    "hypervisor\n";

void write_program(const std::filesystem::path& file, const std::string& text) {
  lathe::test::write_text(file, text);
  std::filesystem::permissions(file, std::filesystem::perms::owner_all);
}

}  // namespace

TEST_CASE("the processor is named with its cores and instruction sets", "[cli][doctor]") {
  const TemporaryFolder root;
  put(root, "proc/cpuinfo", kXeon);
  const Finding xeon = processor_finding(root.path());
  CHECK(xeon.state == State::ok);
  CHECK(xeon.found == "Some Xeon, 2 cores of a virtual machine; sse4_1, avx, avx2, fma, avx512f");
  put(root, "proc/cpuinfo", "processor\t: 0\nmodel name : Old One\nflags : sse4_1 avx\n");
  const Finding old = processor_finding(root.path());
  CHECK(old.state == State::note);
  CHECK(old.found == "Old One, 1 core; sse4_1, avx");
  CHECK_THAT(old.remedy, ContainsSubstring("without avx2 and fma"));
  put(root, "proc/cpuinfo",
      "processor\t: 0\nFeatures\t: fp asimd asimddp\nprocessor\t: 1\nFeatures\t: fp asimd "
      "asimddp\n");
  CHECK(processor_finding(root.path()).found == "unknown model, 2 cores; asimd, asimddp");
}

TEST_CASE("a container's limit and scarce memory are told", "[cli][doctor]") {
  const TemporaryFolder root;
  put(root, "proc/meminfo", "MemTotal:  8388608 kB\nMemFree: 1 kB\nMemAvailable:  4194304 kB\n");
  CHECK(memory_finding(root.path()).found == "8.00 GiB, 4.00 GiB of it available");
  CHECK(memory_finding(root.path()).state == State::ok);
  put(root, "sys/fs/cgroup/memory.max", "max\n");
  CHECK(memory_finding(root.path()).state == State::ok);
  put(root, "sys/fs/cgroup/memory.max", "536870912\n");
  const Finding limited = memory_finding(root.path());
  CHECK(limited.state == State::note);
  CHECK_THAT(limited.found, ContainsSubstring("this container may use 512 MiB"));
  CHECK_THAT(limited.remedy, ContainsSubstring("training needs about 1.00 GiB"));
}

TEST_CASE("a clock that can be read is told, one that can't is worth a note", "[cli][doctor]") {
  const TemporaryFolder root;
  const Finding hidden = clock_finding(root.path());
  CHECK(hidden.state == State::note);
  CHECK_THAT(hidden.found, ContainsSubstring("neither frequency nor temperature"));
  put(root, "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "2400000\n");
  put(root, "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n");
  put(root, "sys/devices/system/cpu/intel_pstate/no_turbo", "0\n");
  put(root, "sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", "3\n");
  put(root, "sys/class/thermal/thermal_zone0/temp", "41000\n");
  put(root, "sys/class/thermal/thermal_zone1/temp", "54500\n");
  const Finding told = clock_finding(root.path());
  CHECK(
      told.found ==
      "2,400 MHz now, governor powersave, turbo on, 54.5 degrees Celsius, throttled 3 times since "
      "the start");
  CHECK(told.state == State::note);
  CHECK_THAT(told.remedy, ContainsSubstring("-g performance"));
  put(root, "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n");
  CHECK(clock_finding(root.path()).state == State::ok);
}

TEST_CASE("load is what others did between two looks", "[cli][doctor]") {
  // user nice system idle iowait irq softirq steal guest guest_nice. Of 200 more ticks on two
  // cores, 30 were user's, 10 system's, 10 taken, 150 idle or waiting: half a core.
  const std::string earlier = "cpu  100 0 50 1000 20 0 0 5 0 0\ncpu0 1 2 3\ncpu1 1 2 3\nintr 1\n";
  const std::string later = "cpu  130 0 60 1140 30 0 0 15 0 0\ncpu0 1 2 3\ncpu1 1 2 3\nintr 1\n";
  const Finding half = load_finding(earlier, later);
  CHECK(half.state == State::note);
  CHECK(half.found == "0.5 of 2 cores busy with other work, 0.1 taken by the host");
  CHECK_THAT(half.remedy, ContainsSubstring("measuring will be noisy"));
  const std::string quiet = "cpu  102 0 50 1198 20 0 0 5 0 0\ncpu0 1 2 3\ncpu1 1 2 3\n";
  CHECK(load_finding(earlier, quiet).state == State::ok);
  CHECK(load_finding("", "").found == "cannot be read");
}

TEST_CASE("what a child process answers, throws or dies of comes back", "[cli][doctor]") {
  CHECK(in_child([] { return std::string("2.13.0 cpu"); }) == "2.13.0 cpu");
  try {
    in_child([]() -> std::string { throw DeviceError("the engine is gone"); });
    FAIL("nothing was thrown");
  } catch (const Error& error) {
    CHECK(error.exit_code() == ExitCode::device);
    CHECK(error.what() == std::string("the engine is gone"));
  }
  const auto crash = []() -> std::string {
    kill(getpid(), SIGKILL);
    return "";
  };
  CHECK_THROWS_WITH(in_child(crash), "its process died of signal 9 (Killed)");
}

TEST_CASE("a probe that is not there or does not work is missing, with exit 4", "[cli][doctor]") {
  const TemporaryFolder folder;
  const auto gone = probe_findings(folder / "lathe-probe");
  REQUIRE(gone.size() == 1);
  CHECK(gone[0].state == State::missing);
  CHECK(gone[0].code == ExitCode::device);
  CHECK_THAT(gone[0].found, ContainsSubstring((folder / "lathe-probe").string()));
  write_program(folder / "lathe-probe", "#!/bin/sh\necho 'no such engine' >&2\nexit 4\n");
  const auto broken = probe_findings(folder / "lathe-probe");
  REQUIRE(broken.size() == 3);
  CHECK(broken[1].state == State::missing);
  CHECK_THAT(broken[1].found, ContainsSubstring("no such engine"));
  const auto real = probe_findings(latency::probe_beside_program());
  REQUIRE(real.size() == 3);
  for (const Finding& finding : real) CHECK(finding.state == State::ok);
}

TEST_CASE("adb's devices are listed, and its silence is told", "[cli][doctor]") {
  const TemporaryFolder folder;
  CHECK_THAT(remote_findings(folder.path().string())[0].found,
             ContainsSubstring("no program adb; not used yet"));
  write_program(
      folder / "adb",
      "#!/bin/sh\nprintf 'List of devices attached\\nABC123\\tdevice\\nXYZ\\toffline\\n'\n");
  const Finding adb = remote_findings("/nowhere:" + folder.path().string())[0];
  CHECK(adb.state == State::note);
  CHECK_THAT(adb.found, ContainsSubstring("adb, ABC123 device, XYZ offline; not used yet"));
  write_program(folder / "adb", "#!/bin/sh\nprintf 'List of devices attached\\n'\n");
  CHECK_THAT(remote_findings(folder.path().string())[0].found,
             ContainsSubstring("no device attached"));
}

TEST_CASE("an ONNX Runtime that is none is a note", "[cli][doctor]") {
  const TemporaryFolder folder;
  lathe::test::write_text(folder / "libonnxruntime.so.9", "not a library");
  const Finding finding = onnxruntime_finding(folder.path());
  CHECK(finding.state == State::note);
  CHECK_THAT(finding.found, ContainsSubstring("libonnxruntime.so.9"));
  CHECK_THAT(finding.remedy, ContainsSubstring("pip install onnxruntime"));
}

TEST_CASE("lathe doctor exits as its findings say, as a table and as JSONL", "[cli][doctor]") {
  const Invocation lines = run_lathe({"doctor", "--json"});
  bool complete = true;
  std::vector<std::string> things;
  for (const auto& line : lines.lines()) {
    things.push_back(line.at("what"));
    complete = complete && line.at("state") != "missing";
    CHECK(line.at("facts").is_object());
    CHECK(!line.at("found").get<std::string>().empty());
  }
  for (const char* thing :
       {"processor", "memory", "disk", "clock", "load", "configs", "lathe-probe", "engine xnnpack",
        "LibTorch", "ONNX Runtime", "adb", "ssh"}) {
    INFO(thing);
    CHECK(std::count(things.begin(), things.end(), thing) == 1);
  }
  const bool has_torch = std::filesystem::exists(program_folder() / "liblathe_torch.so");
  CHECK(complete == has_torch);
  CHECK(lines.code == (has_torch ? 0 : 3));
  CHECK(lines.err.empty() == has_torch);

  const Invocation elsewhere = run_lathe({"doctor", "--configs", "/nowhere"});
  CHECK(elsewhere.code == 2);
  CHECK_THAT(elsewhere.out, ContainsSubstring("missing  configs"));
  CHECK_THAT(elsewhere.err, ContainsSubstring("lathe doctor: expected all that Lathe's commands "
                                              "need, got no working configs"));
}
