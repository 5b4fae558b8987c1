#include "supernet/export/protobuf.hpp"

#include "spaces/base/error.hpp"

#include <cstring>
#include <utility>

namespace lathe::supernet {
namespace {

using Wire = ProtobufField::Wire;

void append_varint(std::string& bytes, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) bytes.push_back(static_cast<char>((value & 0x7f) | 0x80));
  bytes.push_back(static_cast<char>(value));
}

void append_tag(std::string& bytes, int field, Wire wire) {
  append_varint(bytes, static_cast<std::uint64_t>(field) << 3 | static_cast<std::uint64_t>(wire));
}

}  // namespace

void ProtobufWriter::integer(int field, std::int64_t value) {
  append_tag(bytes_, field, Wire::varint);
  append_varint(bytes_, static_cast<std::uint64_t>(value));
}

void ProtobufWriter::real(int field, float value) {
  append_tag(bytes_, field, Wire::fixed32);
  std::uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  for (int shift = 0; shift < 32; shift += 8) bytes_.push_back(static_cast<char>(bits >> shift));
}

void ProtobufWriter::real64(int field, double value) {
  append_tag(bytes_, field, Wire::fixed64);
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  for (int shift = 0; shift < 64; shift += 8) bytes_.push_back(static_cast<char>(bits >> shift));
}

void ProtobufWriter::bytes(int field, std::string_view value) {
  append_tag(bytes_, field, Wire::bytes);
  append_varint(bytes_, value.size());
  bytes_.append(value);
}

ProtobufReader::ProtobufReader(std::string_view message, std::string where)
    : rest_(message), where_(std::move(where)) {}

std::string_view ProtobufReader::take(std::uint64_t count) {
  if (count > rest_.size()) {
    throw FormatError({where_, "a protobuf message",
                       "a field of " + std::to_string(count) + " bytes where " +
                           std::to_string(rest_.size()) + " are left",
                       "the file is cut off or no ONNX model"});
  }
  const std::string_view taken = rest_.substr(0, count);
  rest_.remove_prefix(count);
  return taken;
}

std::uint64_t ProtobufReader::varint() {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const auto byte = static_cast<unsigned char>(take(1)[0]);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  throw FormatError({where_, "a protobuf message", "a number of more than ten bytes",
                     "the file is damaged or no ONNX model"});
}

bool ProtobufReader::next(ProtobufField& field) {
  if (rest_.empty()) return false;
  const std::uint64_t tag = varint();
  field = {static_cast<int>(tag >> 3), static_cast<Wire>(tag & 7), 0, {}};
  switch (field.wire) {
    case Wire::varint:
      field.value = varint();
      return true;
    case Wire::bytes:
      field.bytes = take(varint());
      return true;
    case Wire::fixed32:
    case Wire::fixed64: {
      const std::string_view raw = take(field.wire == Wire::fixed32 ? 4 : 8);
      for (std::size_t i = 0; i < raw.size(); ++i) {
        field.value |= static_cast<std::uint64_t>(static_cast<unsigned char>(raw[i])) << (8 * i);
      }
      return true;
    }
  }
  throw FormatError({where_, "a protobuf message", "wire type " + std::to_string(tag & 7),
                     "the file is damaged or no ONNX model"});
}

}  // namespace lathe::supernet
