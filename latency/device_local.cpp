#include "latency/device_local.hpp"

#include "latency/child_process.hpp"
#include "spaces/base/json_io.hpp"
#include "spaces/base/program_folder.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <numeric>
#include <optional>
#include <signal.h>
#include <stdlib.h>
#include <system_error>
#include <utility>

namespace lathe::latency {
namespace {

// How long a request to stop may wait to be seen.
constexpr std::chrono::milliseconds kGlance{200};
// How often a probe may spend Protocol::max_time without a line: an item's runs take it once, and
// one run that is longer than it is not cut off.
constexpr double kMaxTimes = 100;

/// The job as a file of its own in the system's temporary folder.
class JobFile {
 public:
  explicit JobFile(const EngineJob& job) {
    std::string name = (std::filesystem::temp_directory_path() / "lathe-job-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) {
      throw ResourceError(name + ": cannot make a temporary folder: " + std::strerror(errno));
    }
    folder_ = name;
    write_file(path(), dump_json_line(to_json(job)));
  }
  ~JobFile() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  JobFile(const JobFile&) = delete;
  JobFile& operator=(const JobFile&) = delete;
  std::filesystem::path path() const { return folder_ / "job.json"; }

 private:
  std::filesystem::path folder_;
};

std::string last_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.substr(text.rfind('\n') + 1);  // npos + 1 is 0: the whole text
}

/// How a process ended, and its last word.
std::string end_text(const ChildProcess::Exit& exit, const std::string& errors) {
  const std::string error = last_line(errors);
  const std::string end = exit.signal != 0 ? "signal " + std::to_string(exit.signal) + " (" +
                                                 strsignal(exit.signal) + ")"
                                           : "exit code " + std::to_string(exit.code);
  return end + (error.empty() ? "" : ": " + error);
}

ProbeLine parse_line(const std::string& line, const std::filesystem::path& probe) {
  const std::string where = probe.string() + ": its output";
  try {
    return probe_line_from_json(parse_json(line, where, Comments::refused), where);
  } catch (const FormatError& error) {
    throw DeviceError(error.what());
  }
}

/// Reads a probe's lines, and counts how long it has been silent in glances rather than by a clock:
/// after both programs were stopped and continued, neither is late.
class Listener {
 public:
  Listener(ChildProcess& child, std::chrono::milliseconds limit) : child_(child), limit_(limit) {}
  /// The next line; nullopt where there is none at a glance, or at the end.
  std::optional<std::string> line() {
    auto line = child_.read_line(kGlance);
    silence_ = line ? std::chrono::milliseconds(0) : silence_ + kGlance;
    return line;
  }
  bool is_late() const { return silence_ > limit_; }
  std::string text_of_limit() const { return text(Micros(limit_)); }

 private:
  ChildProcess& child_;
  std::chrono::milliseconds limit_, silence_{0};
};

/// One measuring of a job, over as many processes as it takes.
class Measuring {
 public:
  Measuring(const std::filesystem::path& probe, const std::string& engine, const Job& job,
            std::chrono::milliseconds patience, const std::function<void(const Sample&)>& sink,
            EventSink& events)
      : probe_(probe),
        sink_(sink),
        events_(events),
        job_{engine, job},
        deaths_(job.items.size()),
        limit_(patience + std::chrono::duration_cast<std::chrono::milliseconds>(
                              kMaxTimes * job.protocol.max_time)) {
    if (job.done.empty()) job_.job.done.resize(job.items.size());
    total_ = double(job.items.size()) * job.protocol.rounds;
    for (const auto& rounds : job_.job.done) done_ += double(rounds.size());
  }

  void run() {
    while (!run_process()) {
    }
  }

 private:
  /// True when all is done, false if the process died in an item and another has to go on.
  bool run_process() {
    std::optional<JobFile> file(job_);
    ChildProcess child(probe_, {file->path().string()});
    Listener listener(child, limit_);
    began_.reset();
    std::optional<Ended> ended;
    bool asked = false;
    while (!child.at_end()) {
      if (!asked && events_.stop_requested()) {
        child.terminate();
        asked = true;
      }
      const auto line = listener.line();
      if (listener.is_late()) throw_silent(listener.text_of_limit(), asked);
      if (!line) continue;
      const ProbeLine parsed = parse_line(*line, probe_);
      if (std::holds_alternative<Started>(parsed)) file.reset();  // it was read
      if (const auto* began = std::get_if<Began>(&parsed)) began_ = checked(*began);
      if (const auto* sample = std::get_if<Sample>(&parsed)) take(*sample);
      if (const auto* end = std::get_if<Ended>(&parsed)) ended = *end;
    }
    const ChildProcess::Exit exit = child.wait(limit_);
    if (asked || (ended && ended->stopped)) throw Interrupted("stopped while measuring");
    if (ended) return true;
    const std::string end = end_text(exit, child.errors());
    if (!began_) throw DeviceError(probe_.string() + " ended before its job: " + end);
    blame(*began_, end);
    return false;
  }

  [[noreturn]] void throw_silent(const std::string& limit, bool asked) const {
    if (asked) throw Interrupted("stopped while measuring; " + probe_.string() + " was killed");
    const std::string place =
        began_ ? "item \"" + job_.job.items[static_cast<std::size_t>(began_->item)].name +
                     "\", round " + std::to_string(began_->round)
               : "between two items";
    throw DeviceError(text(Problem{
        probe_.string() + ": " + place, "an answer within " + limit, "none, so it was killed",
        "--resume goes on with what was not measured; if the item takes that long, "
        "raise max_time"}));
  }

  Began checked(const Began& began) const {
    if (static_cast<std::size_t>(began.item) >= job_.job.items.size()) {
      throw DeviceError(probe_.string() + ": expected an item below " +
                        std::to_string(job_.job.items.size()) + ", got " +
                        std::to_string(began.item));
    }
    return began;
  }

  void take(const Sample& sample) {
    checked({sample.item, sample.round});
    began_.reset();
    const auto item = static_cast<std::size_t>(sample.item);
    if (std::holds_alternative<Failure>(sample.runs)) {
      give_up(item);
    } else {
      job_.job.done[item].push_back(sample.round);
      done_ += 1;
    }
    sink_(sample);
    events_.progress({"measuring", done_, total_, job_.job.items[item].name});
  }

  void blame(const Began& began, const std::string& end) {
    const auto item = static_cast<std::size_t>(began.item);
    const int most = job_.job.protocol.max_attempts;
    if (++deaths_[item] < most) return;
    Sample sample;
    sample.item = began.item;
    sample.round = began.round;
    sample.runs = Failure{"its process died, in " + std::to_string(most) +
                          (most == 1 ? " attempt" : " attempts") + ": " + end};
    take(sample);
  }

  /// No round of the item is run again.
  void give_up(std::size_t item) {
    auto& rounds = job_.job.done[item];
    done_ += double(job_.job.protocol.rounds) - double(rounds.size());
    rounds.resize(static_cast<std::size_t>(job_.job.protocol.rounds));
    std::iota(rounds.begin(), rounds.end(), 0);
  }

  const std::filesystem::path& probe_;
  const std::function<void(const Sample&)>& sink_;
  EventSink& events_;
  EngineJob job_;
  std::vector<int> deaths_;          ///< of each item's processes
  std::chrono::milliseconds limit_;  ///< of silence
  std::optional<Began> began_;
  double done_ = 0, total_ = 0;
};

class LocalDevice : public Device {
 public:
  LocalDevice(std::filesystem::path probe, std::string engine, std::chrono::milliseconds patience)
      : probe_(std::move(probe)), engine_(std::move(engine)), patience_(patience) {}

  DeviceInfo info() override {
    if (info_) return *info_;
    require_probe();
    ChildProcess child(probe_, {"--info", engine_});
    Listener listener(child, patience_);
    while (!child.at_end()) {
      const auto line = listener.line();
      if (listener.is_late()) {
        throw DeviceError(text(Problem{probe_.string() + " --info " + engine_,
                                       "an answer within " + listener.text_of_limit(),
                                       "none, so it was killed", ""}));
      }
      if (!line) continue;
      const ProbeLine parsed = parse_line(*line, probe_);
      if (const auto* started = std::get_if<Started>(&parsed)) info_ = started->device;
    }
    const ChildProcess::Exit exit = child.wait(patience_);
    if (!info_ || exit.signal != 0 || exit.code != 0) {
      info_.reset();
      throw DeviceError(probe_.string() + " --info " + engine_ + ": " + last_line(child.errors()));
    }
    return *info_;
  }

  void measure(const Job& job, const std::function<void(const Sample&)>& sink,
               EventSink& events) override {
    require_probe();
    Measuring(probe_, engine_, job, patience_, sink, events).run();
  }

 private:
  void require_probe() const {
    if (std::filesystem::exists(probe_)) return;
    throw DeviceError(probe_.string() +
                      ": expected the program that measures, found nothing; build " +
                      "the target lathe-probe, which belongs beside lathe");
  }

  std::filesystem::path probe_;
  std::string engine_;
  std::chrono::milliseconds patience_;
  std::optional<DeviceInfo> info_;
};

}  // namespace

std::unique_ptr<Device> make_local_device(const std::filesystem::path& probe,
                                          const std::string& engine,
                                          std::chrono::milliseconds patience) {
  return std::make_unique<LocalDevice>(probe, engine, patience);
}

std::filesystem::path probe_beside_program() { return program_folder() / "lathe-probe"; }

}  // namespace lathe::latency
