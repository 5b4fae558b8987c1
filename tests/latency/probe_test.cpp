#include "latency/child_process.hpp"
#include "latency/device_local.hpp"
#include "spaces/base/json_io.hpp"
#include "tests/latency/networks.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/recording_sink.hpp"
#include "tests/support/scratch_folder.hpp"

#include <nlohmann/json.hpp>

#include <set>
#include <signal.h>
#include <sys/stat.h>

using namespace lathe;
using namespace lathe::latency;
using test::RecordingSink;
using test::ScratchFolder;

namespace {

const std::string kSmall = "mbconv 8x8x8 > 8 k3 m16 s1 relu id";
const std::string kOther = "conv 8x8x8 > 16 k1 s1 relu";
const std::string kThird = "conv 4x4x8 > 8 k1 s1 relu";

Job example_job() {
  Job job;
  for (const auto& key : {kSmall, kOther, kThird}) job.items.push_back(test::block_item(key));
  job.protocol.rounds = 3;
  job.protocol.runs = 2;
  job.protocol.min_time = Micros{0};
  return job;
}

/// A program that runs this shell script.
std::filesystem::path script(const ScratchFolder& scratch, const std::string& text) {
  const auto file = scratch / "probe.sh";
  write_file(file, "#!/bin/sh\n" + text + "\n");
  chmod(file.c_str(), 0755);
  return file;
}

}  // namespace

TEST_CASE("the local device tells what it is and measures every round", "[latency][probe]") {
  RecordingSink sink;
  const auto device = make_local_device(probe_beside_program(), "reference");
  const DeviceInfo info = device->info();
  CHECK(info.name == "local");
  CHECK(info.engine == "reference");
  CHECK_FALSE(info.model.empty());
  CHECK(info.processors > 0);
  std::set<std::pair<int, int>> seen;
  device->measure(
      example_job(),
      [&](const Sample& sample) {
        CHECK(std::holds_alternative<Sample::Runs>(sample.runs));
        seen.insert({sample.item, sample.round});
      },
      sink);
  CHECK(seen.size() == 9);
  REQUIRE(sink.progress_reports().size() == 9);
  CHECK(sink.progress_reports().back().done == 9);
  CHECK(sink.progress_reports().back().total == 9);
}

TEST_CASE("an item that kills its process costs itself only", "[latency][probe]") {
  const ScratchFolder scratch;
  RecordingSink sink;
  const auto probe = script(
      scratch, "exec '" + probe_beside_program().string() + "' --crash-on '" + kOther + "' \"$@\"");
  const auto device = make_local_device(probe, "reference");
  std::vector<Failure> failures;
  std::multiset<int> measured;
  device->measure(
      example_job(),
      [&](const Sample& sample) {
        if (const auto* failure = std::get_if<Failure>(&sample.runs)) {
          CHECK(sample.item == 1);
          failures.push_back(*failure);
        } else {
          measured.insert(sample.item);
        }
      },
      sink);
  REQUIRE(failures.size() == 1);
  CHECK_THAT(failures[0].reason,
             ContainsSubstring("its process died, in 2 attempts") && ContainsSubstring("signal 9"));
  CHECK(measured == std::multiset<int>{0, 0, 0, 2, 2, 2});
}

TEST_CASE("a probe that stops answering is killed, and the item is named", "[latency][probe]") {
  const ScratchFolder scratch;
  RecordingSink sink;
  const auto probe = script(
      scratch, "exec '" + probe_beside_program().string() + "' --hang-on '" + kOther + "' \"$@\"");
  const auto device = make_local_device(probe, "reference", std::chrono::milliseconds(400));
  Job job = example_job();
  job.protocol.max_time = Micros{2000};  // 100 times: 200 ms more
  std::set<std::pair<int, int>> seen;
  const auto keep = [&](const Sample& sample) { seen.insert({sample.item, sample.round}); };
  CHECK_THROWS_AS(device->measure(job, keep, sink), DeviceError);
  seen.clear();
  CHECK_THROWS_WITH(device->measure(job, keep, sink),
                    probe.string() + ": item \"" + kOther +
                        "\", round 0: expected an answer within 600 ms, got none, so it was "
                        "killed; --resume goes on with what was not measured; if the item takes "
                        "that long, raise max_time");
  for (const auto& sample : seen) CHECK(sample.first != 1);
  const auto mute = script(scratch, "exec sleep 1000");
  CHECK_THROWS_WITH(make_local_device(mute, "reference", std::chrono::milliseconds(300))
                        ->measure(job, keep, sink),
                    ContainsSubstring("between two items") && ContainsSubstring("got none"));
  CHECK_THROWS_WITH(make_local_device(mute, "reference", std::chrono::milliseconds(300))->info(),
                    ContainsSubstring("--info reference: expected an answer within 300 ms"));
}

TEST_CASE("a program that closes its output and stays is killed in the end", "[latency]") {
  const ScratchFolder scratch;
  ChildProcess child(script(scratch, "echo one; exec sleep 1000 >&- 2>&-"), {});
  const std::chrono::milliseconds patience{10000};
  CHECK(child.read_line(patience) == std::optional<std::string>("one"));
  CHECK_FALSE(child.read_line(patience));
  CHECK(child.wait(std::chrono::milliseconds(100)).signal == SIGKILL);
}

TEST_CASE("a request to stop ends the probe and keeps its samples", "[latency][probe]") {
  RecordingSink sink;
  const auto device = make_local_device(probe_beside_program(), "reference");
  Job job = example_job();
  job.protocol.rounds = 10000;
  std::size_t samples = 0;
  CHECK_THROWS_AS(device->measure(
                      job,
                      [&](const Sample&) {
                        if (++samples == 5) sink.request_stop();
                      },
                      sink),
                  Interrupted);
  CHECK(samples >= 5);
  CHECK(samples < 30000);
}

TEST_CASE("a probe that cannot work is a device error that names it", "[latency][probe]") {
  const ScratchFolder scratch;
  RecordingSink sink;
  const auto nothing = [](const Sample&) {};
  const auto absent = scratch / "lathe-probe";
  CHECK_THROWS_WITH(make_local_device(absent, "xnnpack")->info(),
                    ContainsSubstring(absent.string()) && ContainsSubstring("found nothing") &&
                        ContainsSubstring("beside lathe"));
  write_file(absent, "no program");
  CHECK_THROWS_AS(make_local_device(absent, "xnnpack")->measure(example_job(), nothing, sink),
                  DeviceError);
  CHECK_THROWS_WITH(make_local_device(probe_beside_program(), "tensorrt")->info(),
                    ContainsSubstring("lathe-probe") && ContainsSubstring("tensorrt"));
  const auto mute = script(scratch, "echo 'no space left' >&2; exit 7");
  CHECK_THROWS_WITH(make_local_device(mute, "xnnpack")->measure(example_job(), nothing, sink),
                    ContainsSubstring("ended before its job: exit code 7: no space left"));
  const auto babble = script(scratch, "echo hello");
  CHECK_THROWS_WITH(make_local_device(babble, "xnnpack")->measure(example_job(), nothing, sink),
                    ContainsSubstring("its output"));
  Job pinned = example_job();
  pinned.protocol.cores = {4000};
  CHECK_THROWS_WITH(
      make_local_device(probe_beside_program(), "reference")->measure(pinned, nothing, sink),
      ContainsSubstring("cannot pin to cores 4000"));
}

TEST_CASE("children are read line by line, with both streams and the end", "[latency]") {
  const ScratchFolder scratch;
  ChildProcess child(
      script(scratch, "echo one; echo trouble >&2; printf 'two\\ntorn'; kill -TERM $$"), {});
  const std::chrono::milliseconds patience{10000};
  CHECK(child.read_line(patience) == std::optional<std::string>("one"));
  CHECK(child.read_line(patience) == std::optional<std::string>("two"));
  CHECK_FALSE(child.read_line(patience));
  CHECK(child.at_end());
  CHECK(child.wait(patience).signal == SIGTERM);
  CHECK(child.errors() == "trouble\n");
}
