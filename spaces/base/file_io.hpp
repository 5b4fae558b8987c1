#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

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
/// itself, else ResourceError with the system's words for `error`, an errno.
[[noreturn]] void throw_unwritable(const std::filesystem::path& file, int error);

}  // namespace lathe
