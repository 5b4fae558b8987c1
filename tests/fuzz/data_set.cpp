#include "supernet/data/dataset.hpp"
#include "supernet/data/file_source.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <utility>

namespace {

using Files = std::vector<std::pair<std::string, std::string>>;

/// A black PNG of 8 x 8.
const std::string& image() {
  static const std::string kImage(
      "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x08\0\0\0\x08\x08\0\0\0\0\xe1\x64\xe1\x57\0\0\0\x0c"
      "IDATx\x9c\x63\x60\xa0\x0e\0\0\0H\0\1\x2e\xb8\x3c\x7e\0\0\0\0IEND\xae\x42\x60\x82",
      69);
  return kImage;
}

/// A line is a file: its name; then `=` for an image, `#` and digits for CIFAR records of those
/// labels, or `:` and the content itself.
Files files_of(std::string_view bytes) {
  Files files;
  while (!bytes.empty()) {
    const std::string_view line = bytes.substr(0, bytes.find('\n'));
    bytes.remove_prefix(std::min(line.size() + 1, bytes.size()));
    const std::size_t end = std::min(line.find_first_of("=#:"), line.size());
    std::string content;
    if (end == line.size() || line[end] == '=') {
      content = image();
    } else if (line[end] == ':') {
      content = line.substr(end + 1);
    } else {
      for (const char label : line.substr(end + 1))
        content += static_cast<char>(label - '0') + std::string(3072, label);
    }
    files.emplace_back(line.substr(0, end), std::move(content));
  }
  return files;
}

}  // namespace

LATHE_FUZZ_TARGET(bytes) {
  using namespace lathe::supernet;
  const Files files = files_of(bytes);
  const Dataset data = load_dataset("input", 8, [&](const auto& visit) {
    for (const auto& [name, content] : files) {
      lathe::supernet::check_name("input", name);
      if (split_name(name).empty()) continue;
      visit({name, name.back() == '/', [&text = content] { return text; }});
    }
  });
  for (const Images* part : {&data.train, &data.test}) {
    LATHE_CHECK(part->names.size() == part->labels.size(), "names");
    LATHE_CHECK(part->pixels.size() == part->names.size() * 8 * 8 * 3, "pixels");
    for (const int label : part->labels)
      LATHE_CHECK(label >= 0 && label < int(data.classes.size()), "labels");
  }
}
