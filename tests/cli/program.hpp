#pragma once

#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace lathe::test {

/// What one invocation of the real program left behind.
struct Invocation {
  int code = -1;  ///< exit code; 128 + signal where it was killed
  std::string out, err;
  double wall_s = 0;
  std::vector<nlohmann::json> lines() const;  ///< stdout as JSONL; throws where a line is no JSON
};

/// Runs the program of this build with these arguments and waits for it.
Invocation run_lathe(const std::vector<std::string>& arguments);
/// The program that stands beside the test program.
std::filesystem::path lathe_program();

/// An empty folder of its own, removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::filesystem::path operator/(const std::string& name) const { return folder_ / name; }
  const std::filesystem::path& path() const { return folder_; }

 private:
  std::filesystem::path folder_;
};

void write_text(const std::filesystem::path& file, const std::string& text);
std::string read_text(const std::filesystem::path& file);

}  // namespace lathe::test
