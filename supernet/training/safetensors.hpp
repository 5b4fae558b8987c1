#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace lathe::supernet {

/// A named tensor as plain bytes, row-major, little-endian. The bytes belong to someone else.
struct StoredTensor {
  std::string name;
  std::string type;                 ///< "F32", "F64", "I64", ...: safetensors' own words
  std::vector<std::int64_t> shape;  ///< empty: one number
  std::string_view bytes;
};

/// Tensors and texts of one file.
struct TensorFile {
  std::map<std::string, std::string> metadata;
  std::vector<StoredTensor> tensors;           ///< by name
  std::shared_ptr<const std::string> storage;  ///< what the tensors' bytes point into, if read

  /// The tensor of that name, or nullptr.
  const StoredTensor* find(std::string_view name) const;
};

/// Writes a safetensors file (github.com/huggingface/safetensors, "Format"): eight bytes, the
/// header's length; the header in JSON, padded by spaces to a multiple of eight; the bytes, in the
/// order of names. Whole or not at all. Throws LogicError where bytes do not fit type and shape or
/// a name comes twice, ResourceError if the disk is full.
void write_safetensors(const std::filesystem::path& file, const TensorFile& content);

/// Reads strictly: a header that is cut, too long or no such JSON, an unknown type, a shape whose
/// bytes are not its offsets, gaps, overlaps and bytes left over throw FormatError with file,
/// tensor, expected and found.
TensorFile read_safetensors(const std::filesystem::path& file);
/// The same of bytes; `where` is the file's name for messages.
TensorFile parse_safetensors(std::string bytes, const std::string& where);

}  // namespace lathe::supernet
