#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace lathe {

/// Owns a file descriptor; for the implementations of base only.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor();
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return number_; }
  /// Gives it up without closing it.
  int release();

 private:
  int number_;
};

/// open(2) with O_CLOEXEC, again when a signal interrupted it. -1 and errno where it fails.
int open_file(const std::filesystem::path& file, int flags, int mode = 0);

/// Writes all of `bytes`, in as many calls as it takes. False and errno where it fails.
bool write_all(int descriptor, std::string_view bytes);

/// Reads up to `size` bytes; 0 at the end. -1 and errno where it fails.
std::int64_t read_some(int descriptor, char* buffer, std::size_t size);

/// Calls `piece` with the file's bytes in order. Throws FormatError: missing (names the nearest
/// existing name in the folder), a folder, unreadable.
void read_pieces(const std::filesystem::path& file,
                 const std::function<void(std::string_view)>& piece);

/// What could not be written to or made: ConfigError if its folder is missing or it is a folder
/// itself, else ResourceError with the system's words for `error`, an errno, and what to do.
[[noreturn]] void throw_unwritable(const std::filesystem::path& file, int error);

/// Opens for appending, creating the file if absent. A torn last line (no newline) is cut off.
/// Throws as throw_unwritable does.
int open_lines(const std::filesystem::path& file);
/// Appends all of `lines`, or nothing of them counts: then throws as throw_unwritable does.
void append_lines(int descriptor, const std::filesystem::path& file, std::string_view lines);

/// Waits until what was written to the file is on the disk. Throws as throw_unwritable does.
void flush_file(const std::filesystem::path& file);

/// Removes a file of ours, which may be absent. Throws as throw_unwritable does.
void remove_file(const std::filesystem::path& file);

/// A folder that is made, with those above it where they are missing, and removed again with them
/// (as far as they are empty) unless it is kept.
class NewFolder {
 public:
  /// Throws as throw_unwritable does. A folder that exists is left alone, now and later.
  explicit NewFolder(const std::filesystem::path& folder);
  ~NewFolder();
  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;
  void keep() { made_.clear(); }

 private:
  void remove() const;

  std::vector<std::filesystem::path> made_;  ///< the innermost first
};

/// Names of files that write_file fills before it renames them begin with this, for a process.
std::string temporary_prefix(std::int64_t process);

}  // namespace lathe
