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
  std::string build_type;  ///< "Release", ...
};
/// This program's own; defined in a generated source file.
const Build& build_info();
nlohmann::json to_json(const Build& build);

/// UTC date and time, "2026-11-21T15:20:52Z".
std::string utc_now();

/// The folder that --out names: manifest, resolved config, and what each kind of run adds.
/// One process at a time: a lock file is held while it lives.
class RunDir {
 public:
  struct Start {
    std::string kind;                       ///< "train", "search", "export"
    std::vector<std::string> command_line;  ///< argv
    std::uint64_t seed = 0;
    int threads = 1;
  };
  /// Makes the folder and a manifest with status "running". Refuses one that exists (ConfigError
  /// says to use --resume or another name) and one that is locked.
  static RunDir create(const std::filesystem::path& folder, const Start& start,
                       const nlohmann::json& config);
  /// Opens an existing run of that kind to go on: the resolved config must equal the stored one
  /// (ConfigError names the first difference). An already complete run is opened too:
  /// is_complete().
  static RunDir resume(const std::filesystem::path& folder, const Start& start,
                       const nlohmann::json& config);
  /// Reads a finished or running run's manifest and config without taking the lock. FormatError.
  static nlohmann::json read_manifest(const std::filesystem::path& folder, const std::string& kind);
  static nlohmann::json read_config(const std::filesystem::path& folder);

  const std::filesystem::path& folder() const;
  std::filesystem::path file(std::string_view name) const;
  bool is_complete() const;
  /// Records an input (with SHA-256) or a fact ("torch": "2.13.0") in the manifest.
  void add_input(const std::string& name, const std::filesystem::path& file);
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
