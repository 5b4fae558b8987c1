#include "tests/supernet/odd_images.hpp"

// clang-format off: jpeglib.h uses FILE without declaring it.
#include <jpeglib.h>

#include <cstdio>
#define ZLIB_CONST
#include <zlib.h>
// clang-format on

#include <cstdlib>
#include <stdexcept>

namespace lathe::test {
namespace {

std::string big_endian(std::uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xff);
  return bytes;
}

std::string chunk(const std::string& type, const std::string& data) {
  const std::string checked = type + data;
  const auto sum = crc32(0, reinterpret_cast<const Bytef*>(checked.data()), uInt(checked.size()));
  return big_endian(static_cast<std::uint32_t>(data.size())) + checked +
         big_endian(static_cast<std::uint32_t>(sum));
}

std::string packed(const std::string& rows) {
  uLongf size = compressBound(uLong(rows.size()));
  std::string bytes(size, '\0');
  if (compress(reinterpret_cast<Bytef*>(bytes.data()), &size,
               reinterpret_cast<const Bytef*>(rows.data()), uLong(rows.size())) != Z_OK)
    throw std::runtime_error("compress");
  bytes.resize(size);
  return bytes;
}

}  // namespace

std::string jpeg_bytes(int height, int width, int channels, int level, bool progressive) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* memory = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &memory, &size);
  info.image_height = JDIMENSION(height);
  info.image_width = JDIMENSION(width);
  info.input_components = channels;
  info.in_color_space = channels == 1 ? JCS_GRAYSCALE : channels == 3 ? JCS_RGB : JCS_CMYK;
  jpeg_set_defaults(&info);
  if (progressive) jpeg_simple_progression(&info);
  jpeg_start_compress(&info, TRUE);
  std::vector<JSAMPLE> row(std::size_t(width * channels), static_cast<JSAMPLE>(level));
  JSAMPROW rows = row.data();
  while (info.next_scanline < info.image_height) jpeg_write_scanlines(&info, &rows, 1);
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  std::string bytes(reinterpret_cast<const char*>(memory), size);
  std::free(memory);  // jpeg_mem_dest's own malloc
  return bytes;
}

std::string png_of(const RawPng& png) {
  std::string header = big_endian(png.width) + big_endian(png.height);
  header += static_cast<char>(png.depth);
  header += static_cast<char>(png.colour);
  header += std::string(3, '\0');  // deflate, adaptive filters, not interlaced
  std::string bytes = "\x89PNG\r\n\x1a\n" + chunk("IHDR", header);
  for (const auto& [type, data] : png.chunks) bytes += chunk(type, data);
  bytes += chunk("IDAT", packed(png.rows));
  return png.end ? bytes + chunk("IEND", "") : bytes;
}

std::string gzip_of(const std::string& bytes) {
  constexpr int window_bits = 15, as_gzip = 16, memory_level = 8;
  z_stream stream{};
  if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, window_bits + as_gzip, memory_level,
                   Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::runtime_error("deflateInit2");
  std::string packed(deflateBound(&stream, uLong(bytes.size())), '\0');
  stream.next_in = reinterpret_cast<const Bytef*>(bytes.data());
  stream.avail_in = uInt(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = uInt(packed.size());
  const int status = deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  if (status != Z_STREAM_END) throw std::runtime_error("deflate");
  return packed;
}

}  // namespace lathe::test
