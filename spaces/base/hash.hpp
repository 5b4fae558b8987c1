#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace lathe {

/// FNV-1a, 64 bit (Fowler, Noll, Vo): fingerprints of canonical texts. Not for security.
std::uint64_t fingerprint_of(std::string_view bytes);

/// 16 lower-case hexadecimal digits.
std::string hex(std::uint64_t value);

/// SHA-256 (FIPS 180-4) of bytes or of a file, as 64 lower-case hexadecimal digits. The file form
/// throws FormatError if the file can't be read.
std::string sha256(std::string_view bytes);
std::string sha256_of_file(const std::filesystem::path& file);

}  // namespace lathe
