#include "tests/supernet/image_files.hpp"

#include "spaces/base/rng.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <png.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <stdexcept>

namespace lathe::test {

namespace fs = std::filesystem;

fs::path TempFolder::write(const std::string& name, const std::string& bytes) const {
  const fs::path file = path() / name;
  fs::create_directories(file.parent_path());
  // Not write_file: a test has no use for its flush to the disk, which is slow.
  std::ofstream(file, std::ios::binary) << bytes;
  return file;
}

std::string png_bytes(int height, int width, int channels, const std::vector<std::uint8_t>& pixels,
                      bool sixteen) {
  std::vector<png_uint_16> wide(pixels.size());
  std::transform(pixels.begin(), pixels.end(), wide.begin(),
                 [](std::uint8_t v) { return static_cast<png_uint_16>(v * 257); });
  png_image info{};
  info.version = PNG_IMAGE_VERSION;
  info.height = static_cast<png_uint_32>(height);
  info.width = static_cast<png_uint_32>(width);
  info.format = (channels > 2 ? PNG_FORMAT_FLAG_COLOR : 0U) |
                (channels % 2 == 0 ? PNG_FORMAT_FLAG_ALPHA : 0U) |
                (sixteen ? PNG_FORMAT_FLAG_LINEAR : 0U);
  const void* data = sixteen ? static_cast<const void*>(wide.data()) : pixels.data();
  png_alloc_size_t size = 0;
  png_image_write_to_memory(&info, nullptr, &size, 0, data, 0, nullptr);
  std::string bytes(size, '\0');
  if (!png_image_write_to_memory(&info, bytes.data(), &size, 0, data, 0, nullptr))
    throw std::runtime_error(info.message);
  bytes.resize(size);
  return bytes;
}

std::string noise_png(int size, int level, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<std::uint8_t> pixels;
  for (int i = 0; i < size * size * 3; ++i)
    pixels.push_back(static_cast<std::uint8_t>(std::clamp(level + rng.below(61) - 30, 0, 255)));
  return png_bytes(size, size, 3, pixels);
}

std::string archive_bytes(const std::vector<std::pair<std::string, std::string>>& members,
                          const std::string& format, const std::string& filter) {
  archive* a = archive_write_new();
  archive_write_set_format_by_name(a, format.c_str());
  if (filter != "none") archive_write_add_filter_by_name(a, filter.c_str());
  archive_write_set_bytes_per_block(a, 0);
  std::string bytes;
  archive_write_open(
      a, &bytes, nullptr,
      [](archive*, void* out, const void* piece, std::size_t size) {
        static_cast<std::string*>(out)->append(static_cast<const char*>(piece), size);
        return static_cast<la_ssize_t>(size);
      },
      nullptr);
  for (const auto& [name, content] : members) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name.c_str());
    archive_entry_set_perm(entry, 0644);
    const bool link = content.rfind("->", 0) == 0;
    if (link) archive_entry_set_symlink(entry, content.c_str() + 2);
    archive_entry_set_filetype(entry, link ? AE_IFLNK : name.back() == '/' ? AE_IFDIR : AE_IFREG);
    if (!link && name.back() != '/') archive_entry_set_size(entry, la_int64_t(content.size()));
    archive_write_header(a, entry);
    if (!link) archive_write_data(a, content.data(), content.size());
    archive_entry_free(entry);
  }
  archive_write_close(a);
  archive_write_free(a);
  return bytes;
}

std::vector<std::pair<std::string, std::string>> toy_members(int classes, int train, int test,
                                                             int size) {
  std::vector<std::pair<std::string, std::string>> members;
  std::uint64_t seed = 0;
  for (int c = 0; c < classes; ++c) {
    const int level = 30 + 195 * c / std::max(classes - 1, 1);
    for (const auto& [split, count] :
         {std::make_pair("train", train), std::make_pair("test", test)})
      for (int i = 0; i < count; ++i) {
        char name[64];
        std::snprintf(name, sizeof name, "%s/c%d/%03d.png", split, c, i);
        members.emplace_back(name, noise_png(size, level, ++seed));
      }
  }
  return members;
}

}  // namespace lathe::test
