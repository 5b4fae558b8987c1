#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace lathe::supernet {

/// A file or folder inside a folder or an archive.
struct SourceEntry {
  std::string name;  ///< with '/' between parts, relative to the top; no "." parts
  bool is_folder = false;
  std::function<std::string()> bytes;  ///< its content; valid during the visit
};

/// Most bytes that one file of a data set may have: five times CIFAR's largest batch.
inline constexpr std::int64_t kMaxMemberBytes = std::int64_t(150) << 20;
/// Most files in one data set (ImageNet-21k has 14 million).
inline constexpr int kMaxMembers = 20'000'000;

/// Visits all files and folders of `path`: a folder (in the order of names, links followed, six
/// levels deep) or an archive (.zip; .tar, plain or packed by gzip, bzip2, xz or zstd; in its own
/// order, once through). Nothing is unpacked to disk. Hidden entries (names with a leading dot,
/// "__MACOSX") are left out. Throws FormatError: missing (names the nearest name), not an archive,
/// damaged or truncated wherever, a checksum that differs, a link or a ".." inside an archive, a
/// name that is no UTF-8, past the limits.
void visit_files(const std::filesystem::path& path,
                 const std::function<void(const SourceEntry&)>& visit);
/// What gives a visitor all files and folders, as visit_files does.
using FileSource = std::function<void(const std::function<void(const SourceEntry&)>&)>;

/// Throws FormatError unless `name` is UTF-8 without control characters: names stand in messages
/// and in split.json.
void check_name(const std::string& where, const std::string& name);

/// The parts of a name between slashes.
std::vector<std::string> split_name(const std::string& name);

}  // namespace lathe::supernet
