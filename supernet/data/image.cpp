#include "supernet/data/image.hpp"

#include "spaces/base/error.hpp"

// clang-format off: jpeglib.h uses FILE without declaring it.
#include <jpeglib.h>
#include <png.h>

#include <cstdio>
#include <jerror.h>
// clang-format on

#include <algorithm>
#include <cmath>
#include <csetjmp>
#include <optional>

namespace lathe::supernet {
namespace {

const std::string kReplace = "replace it, or take it out of the data set";

/// Most pixels that a byte of JPEG can stand for: a bit for each of the nine blocks of an MCU of
/// 32 x 32 pixels, the least that sampling factors allow. And most bytes that a byte of deflate
/// can: 258 in two bits. What claims more is cut off, whatever else it is, and takes no memory.
constexpr std::int64_t kMaxJpegPixelsPerByte = 1024, kMaxDeflateRatio = 1032;

void check_size(std::int64_t height, std::int64_t width, const std::string& where) {
  if (height * width > kMaxImagePixels)
    throw FormatError(Problem{where,
                              "an image of at most " + std::to_string(kMaxImagePixels) + " pixels",
                              std::to_string(width) + " x " + std::to_string(height), kReplace});
}

/// libjpeg's error manager with a way out; libjpeg leaves through longjmp, so nothing with a
/// destructor may live between the setjmp and its calls.
struct JpegErrors {
  jpeg_error_mgr base;
  std::jmp_buf leave;
  char message[JMSG_LENGTH_MAX];
  bool no_memory;
};

[[noreturn]] void leave_jpeg(j_common_ptr info) {
  auto* errors = reinterpret_cast<JpegErrors*>(info->err);
  errors->base.format_message(info, errors->message);
  errors->no_memory = errors->base.msg_code == JERR_OUT_OF_MEMORY;
  std::longjmp(errors->leave, 1);
}

/// Warnings (level -1) mean damaged data, which libjpeg would patch in silence.
void refuse_jpeg_warning(j_common_ptr info, int level) {
  if (level < 0) leave_jpeg(info);
}

enum class JpegState { created, header, done, cmyk };

/// One stage of decoding per call, so that the caller can size its buffer (and throw) in between.
/// False: errors.message says why.
bool step_jpeg(jpeg_decompress_struct& info, JpegErrors& errors, JpegState& state,
               std::string_view bytes, std::uint8_t* pixels) {
  if (setjmp(errors.leave)) return false;
  if (state == JpegState::created) {
    jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(bytes.data()),
                 static_cast<unsigned long>(bytes.size()));
    jpeg_read_header(&info, TRUE);
    state = info.num_components == 4 ? JpegState::cmyk : JpegState::header;
    info.out_color_space = JCS_RGB;
    return true;
  }
  jpeg_start_decompress(&info);
  while (info.output_scanline < info.output_height) {
    JSAMPROW row = pixels + std::size_t(info.output_scanline) * info.output_width * 3;
    jpeg_read_scanlines(&info, &row, 1);
  }
  jpeg_finish_decompress(&info);
  state = JpegState::done;
  return true;
}

Image decode_jpeg(std::string_view bytes, const std::string& where) {
  JpegErrors errors{};
  jpeg_decompress_struct info{};
  info.err = jpeg_std_error(&errors.base);
  errors.base.error_exit = leave_jpeg;
  errors.base.emit_message = refuse_jpeg_warning;
  jpeg_create_decompress(&info);
  struct Guard {
    jpeg_decompress_struct& info;
    ~Guard() { jpeg_destroy_decompress(&info); }
  } const guard{info};

  const auto damaged = [&] {
    if (errors.no_memory) throw ResourceError(where + ": no memory to decode the image");
    return FormatError(
        Problem{where, "a whole JPEG", std::string("damaged data: ") + errors.message, kReplace});
  };
  JpegState state = JpegState::created;
  if (!step_jpeg(info, errors, state, bytes, nullptr)) throw damaged();
  if (state == JpegState::cmyk)
    throw FormatError(
        Problem{where, "a grey or RGB JPEG", "four colour channels (CMYK)", "convert it to RGB"});
  check_size(info.image_height, info.image_width, where);
  if (std::int64_t(info.image_height) * info.image_width >
      std::int64_t(bytes.size()) * kMaxJpegPixelsPerByte)
    throw FormatError(Problem{where, "a whole JPEG",
                              std::to_string(info.image_width) + " x " +
                                  std::to_string(info.image_height) + " pixels in " +
                                  std::to_string(bytes.size()) + " bytes",
                              kReplace});
  Image image{static_cast<int>(info.image_height), static_cast<int>(info.image_width), {}};
  image.pixels.resize(std::size_t(info.image_height) * info.image_width * 3);
  if (!step_jpeg(info, errors, state, bytes, image.pixels.data())) throw damaged();
  return image;
}

std::uint32_t big_endian(std::string_view bytes) {
  std::uint32_t value = 0;
  for (const char c : bytes.substr(0, 4)) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

/// Bytes of the IDAT chunks of a PNG that ends with IEND, as libpng's reader does not ask for; none
/// where it does not (PNG specification, section 5).
std::optional<std::int64_t> png_data_bytes(std::string_view bytes) {
  constexpr std::size_t signature = 8, around = 12;  // a length, a type, a checksum
  std::int64_t data = 0;
  for (bytes.remove_prefix(signature); bytes.size() >= around;) {
    const std::uint32_t length = big_endian(bytes);
    if (length > bytes.size() - around) return std::nullopt;
    const std::string_view type = bytes.substr(4, 4);
    if (type == "IEND") return data;
    if (type == "IDAT") data += length;
    bytes.remove_prefix(length + around);
  }
  return std::nullopt;
}

/// Least bytes that a PNG's rows have before packing, by its header (IHDR is where it has to be).
std::int64_t png_raw_bytes(std::string_view bytes, std::int64_t height, std::int64_t width) {
  constexpr std::size_t depth_at = 24, colour_at = 25;
  const auto number = [&](std::size_t at) { return int(static_cast<unsigned char>(bytes[at])); };
  const int colour = number(colour_at);
  const std::int64_t channels = colour == 2 ? 3 : colour == 4 ? 2 : colour == 6 ? 4 : 1;
  return height * (width * channels * number(depth_at) / 8);
}

Image decode_png(std::string_view bytes, const std::string& where) {
  png_image info{};
  info.version = PNG_IMAGE_VERSION;
  struct Guard {
    png_image& info;
    ~Guard() { png_image_free(&info); }
  } const guard{info};

  const auto damaged = [&](const std::string& words) {
    return FormatError(Problem{where, "a whole PNG", "damaged data: " + words, kReplace});
  };
  if (!png_image_begin_read_from_memory(&info, bytes.data(), bytes.size()))
    throw damaged(info.message);
  if (info.format & PNG_FORMAT_FLAG_LINEAR)
    throw FormatError(Problem{where, "a PNG of 8 bits per channel", "16 bits",
                              "convert it: the lower bits would be lost"});
  check_size(info.height, info.width, where);
  const auto packed = png_data_bytes(bytes);
  if (!packed) throw damaged("no end chunk");
  if (png_raw_bytes(bytes, info.height, info.width) > (*packed + 1) * kMaxDeflateRatio)
    throw damaged("not enough image data");
  info.format = PNG_FORMAT_RGBA;
  const std::size_t count = std::size_t(info.height) * info.width;
  std::vector<std::uint8_t> rgba(count * 4);
  Image image{static_cast<int>(info.height), static_cast<int>(info.width), {}};
  // libpng's simplified reader forgives some damage with a warning.
  if (!png_image_finish_read(&info, nullptr, rgba.data(), 0, nullptr) || info.warning_or_error)
    throw damaged(info.message);
  image.pixels.resize(count * 3);
  for (std::size_t i = 0; i < count; ++i) {
    if (rgba[4 * i + 3] != 255)
      throw FormatError(Problem{where, "a PNG without transparency",
                                "a pixel of opacity " + std::to_string(rgba[4 * i + 3]) + " of 255",
                                "put it on a background"});
    std::copy_n(&rgba[4 * i], 3, &image.pixels[3 * i]);
  }
  return image;
}

bool starts_with(std::string_view bytes, std::string_view head) {
  return bytes.substr(0, head.size()) == head;
}

}  // namespace

Image decode_image(std::string_view bytes, const std::string& where) {
  if (starts_with(bytes, "\xff\xd8\xff")) return decode_jpeg(bytes, where);
  if (starts_with(bytes, "\x89PNG\r\n\x1a\n")) return decode_png(bytes, where);
  throw FormatError(Problem{where, "a JPEG or PNG",
                            bytes.empty() ? "an empty file" : "other bytes at its start",
                            kReplace});
}

ResizeAxis resize_axis(int in, int out) {
  LATHE_CHECK(in > 0 && out > 0, "sizes " + std::to_string(in) + " and " + std::to_string(out));
  ResizeAxis axis{in, out, {}, {}};
  const double scale = double(in) / out;
  const double reach = std::max(scale, 1.0);  // half the triangle's base, in input pixels
  for (int i = 0; i < out; ++i) {
    const double centre = (i + 0.5) * scale;
    const int first = std::max(static_cast<int>(std::lround(centre - reach)), 0);
    const int last = std::min(static_cast<int>(std::lround(centre + reach)), in);
    std::vector<double> weights;
    double sum = 0;
    for (int j = first; j < last; ++j) {
      weights.push_back(std::max(0.0, 1.0 - std::abs((j + 0.5 - centre) / reach)));
      sum += weights.back();
    }
    std::vector<float> normal;
    for (const double w : weights) normal.push_back(static_cast<float>(w / sum));
    axis.first.push_back(first);
    axis.weights.push_back(std::move(normal));
  }
  return axis;
}

void resize(const std::vector<float>& in, const ResizeAxis& rows, const ResizeAxis& columns,
            std::vector<float>& out) {
  const std::size_t out_row = std::size_t(columns.out) * 3;
  std::vector<float> narrow(std::size_t(rows.in) * out_row, 0.0F);
  for (int y = 0; y < rows.in; ++y) {
    const float* source = &in[std::size_t(y) * columns.in * 3];
    for (int x = 0; x < columns.out; ++x) {
      float* target = &narrow[std::size_t(y) * out_row + std::size_t(x) * 3];
      const float* from = source + std::size_t(columns.first[std::size_t(x)]) * 3;
      for (const float w : columns.weights[std::size_t(x)]) {
        for (int c = 0; c < 3; ++c) target[c] += w * from[c];
        from += 3;
      }
    }
  }
  out.assign(std::size_t(rows.out) * out_row, 0.0F);
  for (int y = 0; y < rows.out; ++y) {
    const auto& weights = rows.weights[std::size_t(y)];
    float* target = &out[std::size_t(y) * out_row];
    for (std::size_t k = 0; k < weights.size(); ++k) {
      const float* from = &narrow[(std::size_t(rows.first[std::size_t(y)]) + k) * out_row];
      for (std::size_t i = 0; i < out_row; ++i) target[i] += weights[k] * from[i];
    }
  }
}

Image centre_square(const Image& image, int size) {
  if (image.height == size && image.width == size) return image;
  const int side = std::min(image.height, image.width);
  LATHE_CHECK(side >= size, "a side of " + std::to_string(side) + " for " + std::to_string(size));
  const int top = (image.height - side) / 2, left = (image.width - side) / 2;
  std::vector<float> square(std::size_t(side) * side * 3), small;
  for (int y = 0; y < side; ++y) {
    const auto* row = &image.pixels[(std::size_t(top + y) * image.width + left) * 3];
    std::copy_n(row, std::size_t(side) * 3, &square[std::size_t(y) * side * 3]);
  }
  const ResizeAxis axis = resize_axis(side, size);
  resize(square, axis, axis, small);
  Image out{size, size, {}};
  for (const float v : small)
    out.pixels.push_back(static_cast<std::uint8_t>(std::clamp(std::lround(v), 0L, 255L)));
  return out;
}

}  // namespace lathe::supernet
