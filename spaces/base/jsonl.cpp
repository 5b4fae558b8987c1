#include "spaces/base/error.hpp"
#include "spaces/base/file_io.hpp"
#include "spaces/base/json_io.hpp"
#include "spaces/base/json_text.hpp"

#include <nlohmann/json.hpp>

#include <unistd.h>
#include <utility>

namespace lathe {

JsonlWriter::JsonlWriter(const std::filesystem::path& file)
    : file_(file), descriptor_(open_lines(file)) {}

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
  append_lines(descriptor_, file_, dump_json_line(value) + "\n");
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
