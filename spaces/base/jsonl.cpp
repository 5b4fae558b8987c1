#include "spaces/base/error.hpp"
#include "spaces/base/file_io.hpp"
#include "spaces/base/json_io.hpp"
#include "spaces/base/json_text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

namespace lathe {
namespace {

/// Where the last whole line ends: after the last newline, or 0. -1 and errno where reading fails.
off_t end_of_lines(int descriptor) {
  std::array<char, 4096> buffer{};
  off_t end = ::lseek(descriptor, 0, SEEK_END);
  while (end > 0) {
    const off_t start = std::max<off_t>(0, end - static_cast<off_t>(buffer.size()));
    if (::lseek(descriptor, start, SEEK_SET) < 0) return -1;
    const std::int64_t got =
        read_some(descriptor, buffer.data(), static_cast<std::size_t>(end - start));
    if (got < 0) return -1;
    for (std::int64_t i = got; i > 0; --i) {
      if (buffer[static_cast<std::size_t>(i - 1)] == '\n') return start + i;
    }
    end = start;
  }
  return end;
}

}  // namespace

JsonlWriter::JsonlWriter(const std::filesystem::path& file) : file_(file) {
  Descriptor descriptor(open_file(file, O_RDWR | O_CREAT | O_APPEND, 0666));
  if (descriptor.get() < 0) throw_unwritable(file, errno);
  const off_t end = end_of_lines(descriptor.get());
  if (end < 0 || ::ftruncate(descriptor.get(), end) != 0) throw_unwritable(file, errno);
  descriptor_ = descriptor.release();
}

JsonlWriter::~JsonlWriter() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

JsonlWriter::JsonlWriter(JsonlWriter&& other) noexcept
    : file_(std::move(other.file_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

JsonlWriter& JsonlWriter::operator=(JsonlWriter&& other) noexcept {
  std::swap(file_, other.file_);
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

void JsonlWriter::append(const nlohmann::json& value) {
  const std::string line = dump_json_line(value) + "\n";
  const off_t before = ::lseek(descriptor_, 0, SEEK_END);
  if (before >= 0 && write_all(descriptor_, line)) return;
  const int error = errno;
  // If this fails too, the torn line has no newline and the next writer cuts it off.
  if (before >= 0 && ::ftruncate(descriptor_, before) != 0) errno = error;
  throw_unwritable(file_, error);
}

int read_jsonl(const std::filesystem::path& file,
               const std::function<void(int, const nlohmann::json&)>& line) {
  return parse_jsonl(read_file(file), file.string(), line);
}

int parse_jsonl(std::string_view bytes, const std::string& where,
                const std::function<void(int, const nlohmann::json&)>& line) {
  std::string_view rest = bytes;
  for (int number = 1; !rest.empty(); ++number) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) return number;
    const std::string_view text = rest.substr(0, end);
    if (text.find_first_not_of(" \t\r") == std::string_view::npos) {
      throw FormatError(
          {where + ": line " + std::to_string(number), "a JSON value", "an empty line", ""});
    }
    line(number, parse_json_from_line(text, where, Comments::refused, number));
    rest.remove_prefix(end + 1);
  }
  return 0;
}

}  // namespace lathe
