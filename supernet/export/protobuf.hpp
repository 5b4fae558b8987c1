#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace lathe::supernet {

/// Builds one protobuf message as bytes, field by field in the order of the calls (wire format:
/// protobuf.dev/programming-guides/encoding). Repeated fields are written unpacked, as proto2 does;
/// nested messages are built first and then put in whole.
class ProtobufWriter {
 public:
  /// A varint; negative values take ten bytes.
  void integer(int field, std::int64_t value);
  /// A 32-bit float.
  void real(int field, float value);
  /// A double.
  void real64(int field, double value);
  /// A string, bytes, or a nested message's bytes.
  void bytes(int field, std::string_view value);
  void message(int field, const ProtobufWriter& value) { bytes(field, value.bytes_); }

  const std::string& str() const { return bytes_; }

 private:
  std::string bytes_;
};

/// One field of a message; only the member that `wire` calls for is set.
struct ProtobufField {
  enum class Wire { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };
  int number = 0;
  Wire wire = Wire::varint;
  std::uint64_t value = 0;  ///< varint and fixed
  std::string_view bytes;   ///< points into the message
};

/// Walks the fields of one message in file order; `where` names the file in errors. The bytes must
/// outlive it.
class ProtobufReader {
 public:
  ProtobufReader(std::string_view message, std::string where);
  /// The next field; false at the end. FormatError where the bytes are no message.
  bool next(ProtobufField& field);

 private:
  std::uint64_t varint();
  std::string_view take(std::uint64_t count);
  std::string_view rest_;
  std::string where_;
};

}  // namespace lathe::supernet
