#include "spaces/base/run_dir.hpp"

#include "spaces/base/config_reader.hpp"
#include "spaces/base/error.hpp"
#include "spaces/base/hash.hpp"
#include "spaces/base/json_io.hpp"
#include "spaces/base/json_text.hpp"
#include "spaces/base/run_lock.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <ctime>
#include <fstream>
#include <optional>
#include <set>
#include <sys/utsname.h>
#include <thread>
#include <utility>

namespace lathe {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kFormat = "lathe.run";
constexpr int kVersion = 1;
constexpr const char* kManifest = "manifest.json";
constexpr const char* kConfig = "config.json";

/// What the system gave us (arguments, file names) may be no UTF-8, which JSON has to be.
std::string utf8(const std::string& bytes) {
  return json::parse(json(bytes).dump(-1, ' ', false, json::error_handler_t::replace));
}

json utf8(const std::vector<std::string>& words) {
  json result = json::array();
  for (const std::string& word : words) result.push_back(utf8(word));
  return result;
}

std::string cpu_model() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.rfind("model name", 0) == 0 && colon != line.npos) return line.substr(colon + 2);
  }
  return "unknown";
}

json host() {
  utsname system{};
  const bool known = ::uname(&system) == 0;
  return {
      {"system", known ? std::string(system.sysname) + " " + system.release + " " + system.machine
                       : "unknown"},
      {"cpu", cpu_model()},
      {"processors", std::thread::hardware_concurrency()}};
}

std::string nlohmann_version() {
  return std::to_string(NLOHMANN_JSON_VERSION_MAJOR) + "." +
         std::to_string(NLOHMANN_JSON_VERSION_MINOR) + "." +
         std::to_string(NLOHMANN_JSON_VERSION_PATCH);
}

json new_manifest(const RunDir::Start& start) {
  json manifest = to_json(build_info());
  manifest.update({{"format", kFormat},
                   {"program", build_info().version},
                   {"version", kVersion},
                   {"kind", start.kind},
                   {"status", "running"},
                   {"started", utc_now()},
                   {"ended", nullptr},
                   {"libraries", {{"nlohmann_json", nlohmann_version()}}},
                   {"command_line", utf8(start.command_line)},
                   {"seed", start.seed},
                   {"threads", start.threads},
                   {"host", host()},
                   {"inputs", json::array()},
                   {"outputs", json::array()},
                   {"facts", json::object()},
                   {"resumed", json::array()}});
  return manifest;
}

/// Where two values differ first, in the order of keys; null pointers where one has nothing there.
struct Difference {
  std::string pointer;
  const json* left;
  const json* right;
};

std::optional<Difference> first_difference(const json& left, const json& right,
                                           const std::string& pointer) {
  if (left == right) return std::nullopt;
  if (left.is_object() && right.is_object()) {
    std::set<std::string> keys;
    for (const auto& [key, value] : left.items()) keys.insert(key);
    for (const auto& [key, value] : right.items()) keys.insert(key);
    for (const std::string& key : keys) {
      const std::string member = pointer + pointer_step(key);
      const auto at_left = left.find(key), at_right = right.find(key);
      if (at_left == left.end()) return Difference{member, nullptr, &*at_right};
      if (at_right == right.end()) return Difference{member, &*at_left, nullptr};
      if (auto difference = first_difference(*at_left, *at_right, member)) return difference;
    }
  }
  if (left.is_array() && right.is_array()) {
    for (std::size_t i = 0; i < std::max(left.size(), right.size()); ++i) {
      const std::string member = pointer + "/" + std::to_string(i);
      if (i >= left.size()) return Difference{member, nullptr, &right[i]};
      if (i >= right.size()) return Difference{member, &left[i], nullptr};
      if (auto difference = first_difference(left[i], right[i], member)) return difference;
    }
  }
  return Difference{pointer, &left, &right};
}

std::string short_text(const json* value) {
  constexpr std::size_t longest = 60;
  if (value == nullptr) return "nothing";
  const std::string text = value->dump(-1, ' ', true);
  return text.size() <= longest ? text : text.substr(0, longest) + "...";
}

/// "a train run", "an export run"; any kind: "a run".
std::string run_of(const std::string& kind) {
  if (kind.empty()) return "a run";
  const bool vowel = std::string_view("aeiou").find(kind[0]) != std::string_view::npos;
  return (vowel ? "an " : "a ") + kind + " run";
}

/// "runs/a/" is "runs/a".
fs::path without_slash(const fs::path& folder) {
  return folder.has_filename() ? folder : folder.parent_path();
}

void check_manifest(const json& manifest, const fs::path& file) {
  ConfigReader::read(manifest, file, Strictness::data, [](ConfigReader& r) {
    std::string text, status;
    std::vector<std::string> texts;
    bool flag = false;
    int count = 1;
    json ended, seed;
    r.header(kFormat, kVersion);
    r.required().string("kind", text, "train, search or export");
    r.required().word("status", status, {"running", "complete", "interrupted", "failed"},
                      "how far it is");
    for (const char* key : {"started", "program", "revision", "compiler", "build_type"}) {
      r.required().string(key, text, "when it began, and what ran");
    }
    r.required().any("ended", ended, "when it ended, null while it runs");
    if (!ended.is_null() && !ended.is_string()) r.refuse("ended", "a text or null", ended.dump());
    r.required().boolean("dirty", flag, "whether the sources differed from the revision");
    r.required().strings("command_line", texts, "the arguments");
    r.required().any("seed", seed, "the run's seed");
    if (!seed.is_number_unsigned()) r.refuse("seed", "an integer of at least 0", seed.dump());
    r.required().integer("threads", count, {1, 1 << 20}, "threads of this program");
    r.required().object(
        "host",
        [&](ConfigReader& its) {
          its.required().string("system", text, "kernel and its version");
          its.required().string("cpu", text, "model");
          its.required().integer("processors", count, {0, 1 << 20}, "logical ones");
        },
        "where it ran");
    for (const std::string key : {"libraries", "facts"}) {
      const auto check_entry = [&](const std::string& name, const json& value) {
        const bool is_fact = key == "facts" && (value.is_object() || value.is_number());
        if (value.is_string() || is_fact) return;
        r.refuse(key, "a text for " + quote(name), value.dump());
      };
      r.required().entries(key, check_entry, "with what it ran, and what it found");
    }
    for (const char* key : {"inputs", "outputs"}) {
      r.required().objects(
          key,
          [&](ConfigReader& entry, std::size_t) {
            if (key == std::string("inputs")) entry.required().string("name", text, "its purpose");
            entry.required().string("file", text, "its name");
            entry.required().string("sha256", text, "of its bytes");
          },
          "the files");
    }
    r.required().objects(
        "resumed",
        [&](ConfigReader& entry, std::size_t) {
          for (const char* key : {"date", "version", "revision", "compiler", "build_type"}) {
            entry.required().string(key, text, "when it went on, and what ran");
          }
          entry.required().boolean("dirty", flag, "whether the sources differed");
          entry.required().strings("command_line", texts, "the arguments");
          entry.required().integer("threads", count, {1, 1 << 20}, "threads of this program");
        },
        "each time that it went on, and with what");
  });
}

void check_same_config(const json& stored, const json& config, const fs::path& file) {
  const auto difference = first_difference(stored, config, "");
  if (!difference) return;
  const std::string where = difference->pointer.empty() ? "" : ": " + difference->pointer;
  throw ConfigError({file.string() + where,
                     short_text(difference->left) + ", with which the run began",
                     short_text(difference->right),
                     "leave the change out, or start another run with another --out"});
}

}  // namespace

json to_json(const Build& build) {
  return {{"version", build.version},
          {"revision", build.revision},
          {"dirty", build.dirty},
          {"compiler", build.compiler},
          {"build_type", build.build_type}};
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 32> buffer{};
  std::strftime(buffer.data(), buffer.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return buffer.data();
}

struct RunDir::State {
  fs::path folder;
  RunLock lock;
  json manifest;
  bool open = false;  ///< whether the manifest says "running"

  explicit State(const fs::path& run) : folder(run), lock(run) {}
  void save() const { write_file(folder / kManifest, dump_json(manifest)); }
};

namespace {

/// True if the folder holds nothing, or nothing but what a run leaves that was killed while it
/// began: its lock, which one that ends otherwise removes, and its config, but no manifest.
bool has_nothing_begun(const fs::path& folder) {
  const bool locked = fs::exists(folder / "lock");
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    const bool temporary = name.rfind(".lathe-", 0) == 0;
    if (!locked || !(name == "lock" || name == kConfig || temporary)) return false;
  }
  return true;
}

/// The config, and then the manifest: with that the run has begun.
void write_start(const fs::path& folder, const json& manifest, const json& config) {
  try {
    write_file(folder / kConfig, dump_json(config));
    write_file(folder / kManifest, dump_json(manifest));
  } catch (...) {
    std::error_code ignored;
    fs::remove(folder / kConfig, ignored);
    fs::remove(folder / kManifest, ignored);
    throw;
  }
}

}  // namespace

RunDir RunDir::create(const fs::path& named, const Start& start, const json& config) {
  const fs::path folder = without_slash(named);
  const auto refuse = [&](const std::string& found, const std::string& remedy) {
    throw ConfigError({folder.string(), "a name that does not exist", found, remedy});
  };
  std::error_code error;
  const fs::file_status status = fs::status(folder, error);
  if (fs::exists(status) && !fs::is_directory(status)) {
    refuse("the file " + folder.string(), "choose another --out");
  }
  NewFolder made(folder);  // before the lock, so that it goes after it
  // Before the lock: a lock file of ours would be one more thing in somebody's folder.
  const auto refuse_begun = [&]() {
    if (has_nothing_begun(folder)) return;
    refuse("the folder " + folder.string(), "use --resume to go on, or another --out");
  };
  refuse_begun();
  auto state = std::make_unique<State>(folder);
  refuse_begun();
  state->manifest = new_manifest(start);
  write_start(folder, state->manifest, config);
  state->open = true;
  made.keep();
  return RunDir(std::move(state));
}

RunDir RunDir::resume(const fs::path& named, const Start& start, const json& config) {
  const fs::path folder = without_slash(named);
  std::error_code error;
  if (!fs::exists(folder, error)) {
    throw ConfigError({folder.string(), run_of(start.kind) + " to go on with", "nothing",
                       "leave --resume out to start one"});
  }
  const bool killed_at_once = fs::exists(folder / "lock", error) && has_nothing_begun(folder);
  if (killed_at_once) return create(folder, start, config);
  read_manifest(folder, start.kind);
  auto state = std::make_unique<State>(folder);
  state->manifest = read_manifest(folder, start.kind);
  check_same_config(read_config(folder), config, folder / kConfig);
  const json seed = start.seed;
  if (state->manifest["seed"] != seed) {
    throw ConfigError({(folder / kManifest).string() + ": /seed",
                       short_text(&state->manifest["seed"]) + ", with which the run began",
                       short_text(&seed), "leave --seed out, or start another run"});
  }
  if (state->manifest["status"] != "complete") {
    json now = to_json(build_info());
    now.update({{"date", utc_now()},
                {"command_line", utf8(start.command_line)},
                {"threads", start.threads}});
    state->manifest["resumed"].push_back(now);
    state->manifest["status"] = "running";
    state->manifest["ended"] = nullptr;
    state->save();
    state->open = true;
  }
  return RunDir(std::move(state));
}

json RunDir::read_manifest(const fs::path& folder, const std::string& kind) {
  const std::string expected = "the folder of " + run_of(kind);
  std::error_code error;
  const fs::file_status status = fs::status(folder, error);
  if (!fs::is_directory(status)) {
    throw FormatError({folder.string(), expected, fs::exists(status) ? "a file" : "nothing", ""});
  }
  const fs::path file = folder / kManifest;
  if (!fs::exists(file, error)) {
    throw FormatError({folder.string(), expected, "a folder without manifest.json", ""});
  }
  json manifest = parse_manifest(read_file(file), file);
  if (!kind.empty() && manifest["kind"] != kind) {
    throw FormatError({folder.string(), run_of(kind), run_of(manifest["kind"]), ""});
  }
  return manifest;
}

json RunDir::parse_manifest(std::string_view text, const fs::path& file) {
  json manifest = parse_json(text, file.string(), Comments::refused);
  check_manifest(manifest, file);
  return manifest;
}

json RunDir::read_config(const fs::path& folder) {
  const fs::path file = folder / kConfig;
  json config = load_json(file, Comments::refused);
  if (!config.is_object()) {
    throw FormatError({file.string(), "an object", short_text(&config), ""});
  }
  return config;
}

RunDir::RunDir(std::unique_ptr<State> state) : state_(std::move(state)) {}
RunDir::RunDir(RunDir&&) noexcept = default;

RunDir& RunDir::operator=(RunDir&& other) noexcept {
  std::swap(state_, other.state_);
  return *this;
}

RunDir::~RunDir() {
  if (!state_ || !state_->open) return;
  try {
    close("failed", {});
  } catch (...) {
    // The disk may be what failed; "running" with no lock then tells the same.
  }
}

const fs::path& RunDir::folder() const { return state_->folder; }

fs::path RunDir::file(std::string_view name) const { return state_->folder / name; }

bool RunDir::is_complete() const { return state_->manifest["status"] == "complete"; }

void RunDir::add_input(const std::string& name, const fs::path& file) {
  const json entry = {{"name", utf8(name)},
                      {"file", utf8(fs::absolute(file).lexically_normal().string())},
                      {"sha256", sha256_of_file(file)}};
  for (const json& known : state_->manifest["inputs"]) {
    if (known["name"] != entry["name"]) continue;
    if (known["sha256"] == entry["sha256"]) return;
    throw FormatError(
        {file.string(),
         "the " + name + " with which the run began, SHA-256 " + known["sha256"].get<std::string>(),
         entry["sha256"].get<std::string>(), "restore it, or start another run"});
  }
  state_->manifest["inputs"].push_back(entry);
  state_->save();
}

void RunDir::add_fact(const std::string& name, const json& value) {
  json& fact = state_->manifest["facts"][name];
  if (fact == value) return;
  fact = value;
  state_->save();
}

void RunDir::close(const std::string& status, const std::vector<std::string>& outputs) {
  LATHE_CHECK(status == "complete" || status == "interrupted" || status == "failed",
              "a run ended with the status " + status);
  json entries = json::array();
  for (const std::string& name : outputs) {
    entries.push_back({{"file", utf8(name)}, {"sha256", sha256_of_file(file(name))}});
  }
  state_->manifest["outputs"] = std::move(entries);
  state_->manifest["status"] = status;
  state_->manifest["ended"] = utc_now();
  state_->save();
  state_->open = false;
}

}  // namespace lathe
