#include "spaces/base/error.hpp"
#include "supernet/data/image.hpp"
#include "tests/supernet/image_files.hpp"
#include "tests/supernet/odd_images.hpp"
#include "tests/supernet/refusal.hpp"
#include "tests/support/catch.hpp"

#include <array>
#include <cstdlib>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace lathe;
using namespace lathe::supernet;
using namespace lathe::test;
using namespace std::string_literals;

namespace {

using Pixels = std::vector<std::uint8_t>;

const std::string kName = "a.tar: train/cat/1.jpg";
const std::string kReplace = "replace it, or take it out of the data set";

struct Case {
  const char* name;
  std::string bytes;
  std::string expected, found, remedy;
};

/// `bytes` with two more of big-endian height and width at a JPEG's frame header.
std::string with_frame(std::string bytes, int height, int width) {
  const std::size_t frame = bytes.find("\xff\xc0");
  for (const auto& [at, value] :
       {std::make_pair(frame + 5, height), std::make_pair(frame + 7, width)}) {
    bytes[at] = static_cast<char>(value >> 8);
    bytes[at + 1] = static_cast<char>(value & 0xff);
  }
  return bytes;
}

std::string cut(const std::string& bytes, std::size_t by) {
  return bytes.substr(0, bytes.size() - by);
}

RawPng claims(std::uint32_t height, std::uint32_t width) {
  RawPng png;
  png.height = height;
  png.width = width;
  png.rows = "\0\1\2\3"s;
  return png;
}

RawPng palette(const std::string& transparency) {
  RawPng png{1, 2, 8, 3, {{"PLTE", "\1\2\3\4\5\6"s}}, "\0\0\1"s, true};
  if (!transparency.empty()) png.chunks.emplace_back("tRNS", transparency);
  return png;
}

std::vector<Case> refused() {
  const std::string jpeg = jpeg_bytes(16, 16, 3, 100);
  const std::string png = png_bytes(2, 2, 3, Pixels(12, 9));
  RawPng no_end;
  no_end.rows = "\0\1\2\3"s;
  no_end.end = false;
  std::string bad_sum = png;
  bad_sum[bad_sum.size() - 13] ^= 1;  // of the image's data
  const std::string whole_jpeg = "a whole JPEG", whole_png = "a whole PNG";
  return {
      {"nothing", "", "a JPEG or PNG", "an empty file", kReplace},
      {"text", "no image\n", "a JPEG or PNG", "other bytes at its start", kReplace},
      {"a GIF", "GIF89a\1\0\1\0", "a JPEG or PNG", "other bytes at its start", kReplace},
      {"a web page", "<!DOCTYPE html>", "a JPEG or PNG", "other bytes at its start", kReplace},
      {"a JPEG's first three bytes", "\xff\xd8\xff", whole_jpeg, "damaged data: ", kReplace},
      {"a PNG's signature", "\x89PNG\r\n\x1a\n", whole_png, "damaged data: ", kReplace},
      {"CMYK", jpeg_bytes(8, 8, 4, 100), "a grey or RGB JPEG", "four colour channels (CMYK)",
       "convert it to RGB"},
      {"JPEG of two channels",
       "\xff\xd8\xff\xc0\0\x0e\x08\0\x08\0\x08\2\1\x11\0\2\x11\0\xff\xd9"s + std::string(99, '\0'),
       whole_jpeg, "damaged data: ", kReplace},
      {"JPEG half there", jpeg.substr(0, jpeg.size() / 2), whole_jpeg, "damaged data: ", kReplace},
      {"JPEG without its end mark", cut(jpeg, 2), whole_jpeg, "damaged data: Premature end",
       kReplace},
      {"JPEG of 65500 x 65500", with_frame(jpeg, 65500, 65500),
       "an image of at most 67108864 pixels", "65500 x 65500", kReplace},
      {"JPEG of 65535 x 65535", with_frame(jpeg, 65535, 65535), whole_jpeg,
       "damaged data: Maximum supported image dimension is 65500 pixels", kReplace},
      {"JPEG of 8000 x 8000 in less than a kilobyte", with_frame(jpeg, 8000, 8000), whole_jpeg,
       "8000 x 8000 pixels in " + std::to_string(jpeg.size()) + " bytes", kReplace},
      {"JPEG of no height", with_frame(jpeg, 0, 16), whole_jpeg, "damaged data: ", kReplace},
      {"PNG of 16 bits", png_bytes(1, 1, 3, {1, 2, 3}, true), "a PNG of 8 bits per channel",
       "16 bits", "convert it: the lower bits would be lost"},
      {"grey PNG of 16 bits", png_bytes(1, 1, 1, {1}, true), "a PNG of 8 bits per channel",
       "16 bits", "convert it"},
      {"PNG that can be seen through", png_bytes(1, 1, 4, {1, 2, 3, 128}),
       "a PNG without transparency", "a pixel of opacity 128 of 255", "put it on a background"},
      {"palette PNG that can be seen through", png_of(palette("\xff\x40")),
       "a PNG without transparency", "a pixel of opacity 64 of 255", "put it on a background"},
      {"PNG half there", png.substr(0, png.size() / 2), whole_png, "damaged data: ", kReplace},
      {"PNG without its end", png_of(no_end), whole_png, "damaged data: no end chunk", kReplace},
      {"PNG cut within its end", cut(png, 1), whole_png, "damaged data: no end chunk", kReplace},
      {"PNG with a wrong checksum", bad_sum, whole_png, "damaged data: ", kReplace},
      {"PNG of 65535 x 65535", png_of(claims(65535, 65535)), "an image of at most 67108864 pixels",
       "65535 x 65535", kReplace},
      {"PNG of 2^31 - 1 squared", png_of(claims(0x7fffffff, 0x7fffffff)), whole_png,
       "damaged data: ", kReplace},
      {"PNG of 8000 x 8000 in less than a kilobyte", png_of(claims(8000, 8000)), whole_png,
       "damaged data: not enough image data", kReplace},
      {"PNG of no width", png_of(claims(1, 0)), whole_png, "damaged data: ", kReplace},
      {"PNG with a row too few", png_of(claims(2, 1)), whole_png, "damaged data: ", kReplace},
  };
}

/// Exit status of a child that may take so many bytes more than this process has.
template <typename Body>
int in_little_memory(std::size_t more, const Body& body) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    std::size_t pages = 0;
    std::FILE* statm = std::fopen("/proc/self/statm", "r");
    if (statm == nullptr || std::fscanf(statm, "%zu", &pages) != 1) std::_Exit(9);
    const rlimit limit{pages * std::size_t(::getpagesize()) + more, RLIM_INFINITY};
    if (::setrlimit(RLIMIT_AS, &limit) != 0) std::_Exit(9);
    std::_Exit(body());
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_CASE("every image that is not taken is refused in four parts", "[supernet][data]") {
  for (const Case& c : refused()) {
    INFO(c.name);
    CHECK(unlike({kName, c.expected, c.found, c.remedy}, ExitCode::input,
                 [&] { decode_image(c.bytes, kName); }) == "");
  }
}

TEST_CASE("sizes that an image claims and does not have take no memory", "[supernet][data]") {
#ifdef __SANITIZE_ADDRESS__
  WARN("skipped: the address sanitizer needs all of the address space");
#else
  const auto cases = refused();
  const int status = in_little_memory(std::size_t(64) << 20, [&] {
    for (const Case& c : cases) {
      try {
        decode_image(c.bytes, kName);
        return 1;
      } catch (const FormatError&) {
        continue;
      } catch (...) {
        return 2;
      }
    }
    return 0;
  });
  CHECK(status == 0);
#endif
}

TEST_CASE("kinds of images that become RGB without loss are taken", "[supernet][data]") {
  const auto first = [](const std::string& bytes) {
    const Image image = decode_image(bytes, kName);
    return std::vector<int>(image.pixels.begin(), image.pixels.begin() + 3);
  };
  CHECK(first(jpeg_bytes(8, 8, 1, 100)) == std::vector<int>{100, 100, 100});
  CHECK(first(jpeg_bytes(8, 8, 3, 100)) == std::vector<int>{100, 100, 100});
  CHECK(first(jpeg_bytes(8, 8, 3, 100, true)) == std::vector<int>{100, 100, 100});
  CHECK(first(png_bytes(1, 1, 1, {7})) == std::vector<int>{7, 7, 7});
  CHECK(first(png_bytes(1, 1, 2, {7, 255})) == std::vector<int>{7, 7, 7});
  CHECK(first(png_bytes(1, 1, 4, {7, 8, 9, 255})) == std::vector<int>{7, 8, 9});
  CHECK(first(png_of(palette(""))) == std::vector<int>{1, 2, 3});
  CHECK(first(png_of({1, 8, 1, 0, {}, "\0\x80"s, true})) == std::vector<int>{255, 255, 255});
  // Comments and what follows the end are nobody's pixels.
  CHECK(first(png_of({1, 1, 8, 2, {{"tEXt", "Title\0x"s}}, "\0\1\2\3"s, true}) + "more") ==
        std::vector<int>{1, 2, 3});
}

TEST_CASE("an image cut at any byte is refused", "[supernet][data][property]") {
  for (const std::string& whole :
       {png_bytes(4, 4, 3, Pixels(48, 99)), png_of(palette("")), jpeg_bytes(16, 16, 3, 100),
        jpeg_bytes(16, 16, 1, 100), jpeg_bytes(16, 16, 3, 100, true)}) {
    REQUIRE_NOTHROW(decode_image(whole, kName));
    for (std::size_t size = 0; size < whole.size(); ++size) {
      INFO("cut to " << size << " of " << whole.size());
      CHECK_THROWS_AS(decode_image(whole.substr(0, size), kName), FormatError);
    }
  }
}

TEST_CASE("a PNG with one wrong bit is refused or has the same pixels",
          "[supernet][data][property]") {
  const std::string whole =
      png_bytes(3, 3, 3, {1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14,
                          15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27});
  const Pixels pixels = decode_image(whole, kName).pixels;
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string wrong = whole;
    wrong[bit / 8] = static_cast<char>(wrong[bit / 8] ^ (1 << bit % 8));
    INFO("bit " << bit);
    Pixels got = pixels;
    try {
      got = decode_image(wrong, kName).pixels;
    } catch (const FormatError&) {
      continue;
    }
    CHECK(got == pixels);
  }
}
