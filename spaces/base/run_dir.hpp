#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace lathe {

/// What made a result; stands in manifests, tables and sidecars.
struct Build {
  std::string version;   ///< "0.1.0"
  std::string revision;  ///< git commit, "unknown" outside a checkout
  bool dirty = false;
  std::string compiler;
  std::string build_type;  ///< "Release", "Debug with sanitizers address,undefined"
};
/// This program's own; defined in a source file that each build generates.
const Build& build_info();
/// Under the names of the members.
nlohmann::json to_json(const Build& build);

/// UTC date and time, "2026-11-21T15:20:52Z".
std::string utc_now();

/// The folder that --out names: manifest.json, config.json (resolved), and what each kind of run
/// adds. One process at a time: a file `lock` is held, with flock, while it lives.
///
/// The manifest's keys: format "lathe.run", version 1, kind, status, started, ended, program (the
/// version), revision, dirty, compiler, build_type, libraries, command_line, seed, threads, host
/// {system, cpu, processors}, inputs [{name, file, sha256}], outputs [{file, sha256}], facts {},
/// and resumed [{date, command_line, threads and the build}], one for each time it went on.
class RunDir {
 public:
  /// How the process was started.
  struct Start {
    std::string kind;                       ///< "train", "search", "export"
    std::vector<std::string> command_line;  ///< argv
    std::uint64_t seed = 0;
    int threads = 1;
  };
  /// Makes the folder (and those above it) and a manifest with status "running". Throws ConfigError
  /// if the name exists and is no empty folder (use --resume or another name), or if it is locked;
  /// ResourceError if it can't be written.
  static RunDir create(const std::filesystem::path& folder, const Start& start,
                       const nlohmann::json& config);
  /// Opens an existing run of that kind to go on: resolved config and seed must equal the stored
  /// ones (ConfigError names the first difference) and no other process may hold it. An already
  /// complete run is opened too and stays as it is: is_complete(). FormatError if it is no such
  /// run.
  static RunDir resume(const std::filesystem::path& folder, const Start& start,
                       const nlohmann::json& config);
  /// A finished or running run's manifest, checked, and its resolved config; takes no lock. `kind`
  /// may be empty: any. Throw FormatError.
  static nlohmann::json read_manifest(const std::filesystem::path& folder, const std::string& kind);
  static nlohmann::json read_config(const std::filesystem::path& folder);
  /// The manifest in the text of manifest.json, checked; `file` is its name for messages.
  static nlohmann::json parse_manifest(std::string_view text, const std::filesystem::path& file);

  const std::filesystem::path& folder() const;
  /// A file in the folder.
  std::filesystem::path file(std::string_view name) const;
  /// True if the run had been completed when it was opened, or has been since.
  bool is_complete() const;
  /// Records an input with its SHA-256. Throws FormatError if the run has one of this name already
  /// and the bytes differ: it was resumed with another file.
  void add_input(const std::string& name, const std::filesystem::path& file);
  /// Records a fact ("torch": "2.13.0") in the manifest, in place of one of that name.
  void add_fact(const std::string& name, const nlohmann::json& value);
  /// Closes the manifest: status "complete", "interrupted" or "failed", each output (relative name)
  /// with SHA-256, the end's time.
  void close(const std::string& status, const std::vector<std::string>& outputs);

  RunDir(RunDir&&) noexcept;
  RunDir& operator=(RunDir&&) noexcept;
  /// A manifest left open says "failed".
  ~RunDir();

 private:
  struct State;
  explicit RunDir(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace lathe
