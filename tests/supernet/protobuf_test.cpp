#include "supernet/export/protobuf.hpp"

#include "spaces/base/error.hpp"
#include "tests/support/catch.hpp"

#include <limits>

using namespace lathe;
using namespace lathe::supernet;
using namespace std::string_literals;

TEST_CASE("protobuf fields have the bytes of the encoding guide", "[supernet][export]") {
  ProtobufWriter w;
  w.integer(1, 150);  // the guide's own example: 08 96 01
  CHECK(w.str() == "\x08\x96\x01"s);
  w.bytes(2, "testing");  // likewise: 12 07 testing
  CHECK(w.str().substr(3) == "\x12\x07testing"s);

  ProtobufWriter nested;
  nested.message(3, [] {
    ProtobufWriter inner;
    inner.integer(1, 150);
    return inner;
  }());
  CHECK(nested.str() == "\x1a\x03\x08\x96\x01"s);

  ProtobufWriter others;
  others.integer(20, -2);  // field above 15: two bytes of tag; negative: ten bytes
  others.real(2, 0.5f);
  CHECK(others.str() == "\xa0\x01\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01\x15\0\0\0\x3f"s);

  ProtobufWriter wide;
  wide.real64(1, -2.0);  // wire type 1: 0xc000000000000000, little-endian
  CHECK(wide.str() == "\x09\0\0\0\0\0\0\0\xc0"s);
}

TEST_CASE("protobuf fields are read back", "[supernet][export]") {
  ProtobufWriter w;
  w.integer(1, std::numeric_limits<std::int64_t>::min());
  w.real(2, -1.5f);
  w.bytes(300, "abc");
  ProtobufReader reader(w.str(), "x.onnx");
  ProtobufField field;
  REQUIRE(reader.next(field));
  CHECK(field.number == 1);
  CHECK(static_cast<std::int64_t>(field.value) == std::numeric_limits<std::int64_t>::min());
  REQUIRE(reader.next(field));
  CHECK(field.wire == ProtobufField::Wire::fixed32);
  CHECK(field.value == 0xbfc00000u);
  REQUIRE(reader.next(field));
  CHECK(field.number == 300);
  CHECK(field.bytes == "abc");
  CHECK_FALSE(reader.next(field));
}

TEST_CASE("damaged protobuf is refused with the file's name", "[supernet][export]") {
  const auto read = [](const std::string& bytes) {
    ProtobufReader reader(bytes, "x.onnx");
    for (ProtobufField field; reader.next(field);) {
    }
  };
  CHECK_THROWS_WITH(read("\x12\x07test"s),
                    ContainsSubstring("x.onnx: expected a protobuf message, got a field of 7 bytes "
                                      "where 4 are left"));
  CHECK_THROWS_WITH(read("\x0b"s), ContainsSubstring("got wire type 3"));
  CHECK_THROWS_WITH(read(std::string(11, '\xff')), ContainsSubstring("more than ten bytes"));
  CHECK_THROWS_AS(read("\x08"s), FormatError);
}
