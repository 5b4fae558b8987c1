#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lathe::supernet {

/// A decoded picture: height x width x 3 (RGB), one byte each.
struct Image {
  int height = 0, width = 0;
  std::vector<std::uint8_t> pixels;
};

/// Most pixels that an image file may have; what claims more is refused before memory is taken.
inline constexpr std::int64_t kMaxImagePixels = std::int64_t(1) << 26;

/// Decodes a JPEG or a PNG, told apart by their first bytes. Accepted is what becomes 8-bit RGB
/// without loss: grey and palette images are widened, a channel of full opacity is dropped. All
/// else (16 bits, transparency, CMYK) and every damaged file, even one that libjpeg would fill up
/// with grey, throws FormatError with `where`, the file's or the archive member's name.
Image decode_image(std::string_view bytes, const std::string& where);

/// Weights that resample one axis: bilinear, widened by the factor of shrinking so that nothing is
/// skipped (as Pillow's BILINEAR and torch's antialias=true; pixel centres at i + 0.5).
struct ResizeAxis {
  int in = 0, out = 0;
  std::vector<int> first;                   ///< per output: its first input
  std::vector<std::vector<float>> weights;  ///< per output: weights of inputs from `first`, sum 1
};
ResizeAxis resize_axis(int in, int out);

/// Resamples in.in x columns.in x 3 floats to rows.out x columns.out x 3, columns first.
void resize(const std::vector<float>& in, const ResizeAxis& rows, const ResizeAxis& columns,
            std::vector<float>& out);

/// The largest centred square, resampled to size x size and rounded to bytes; an image that has
/// this size already is returned untouched. Throws LogicError where it would have to be enlarged.
Image centre_square(const Image& image, int size);

}  // namespace lathe::supernet
