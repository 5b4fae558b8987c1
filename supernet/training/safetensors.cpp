#include "supernet/training/safetensors.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/json_io.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <limits>

namespace lathe::supernet {
namespace {

using nlohmann::json;

constexpr std::uint64_t kMaxHeader = 100'000'000;  // as the Rust library
constexpr std::size_t kLengthBytes = 8;
constexpr std::uintmax_t kMaxFile = std::uintmax_t(1) << 36;

[[noreturn]] void refuse(const std::string& where, const std::string& expected,
                         const std::string& found) {
  throw FormatError(Problem{where, expected, found, "the file is damaged: restore it from a copy"});
}

/// Bytes of one element, or 0 for an unknown word.
std::uint64_t size_of(const std::string& type) {
  static const std::map<std::string, std::uint64_t> kSizes = {
      {"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"I16", 2}, {"U16", 2}, {"F16", 2}, {"BF16", 2},
      {"I32", 4},  {"U32", 4}, {"F32", 4}, {"I64", 8}, {"U64", 8}, {"F64", 8}};
  const auto found = kSizes.find(type);
  return found == kSizes.end() ? 0 : found->second;
}

/// Bytes of a tensor, or nothing where the product does not fit 63 bits.
bool bytes_of(const StoredTensor& tensor, std::uint64_t& bytes) {
  bytes = size_of(tensor.type);
  for (const std::int64_t n : tensor.shape) {
    const auto factor = static_cast<std::uint64_t>(n);
    constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
    if (n < 0 || (factor != 0 && bytes > most / factor)) return false;
    bytes *= factor;
  }
  return true;
}

std::string header_of(const TensorFile& content) {
  json header = json::object();
  if (!content.metadata.empty()) header["__metadata__"] = content.metadata;
  std::uint64_t at = 0;
  for (const StoredTensor& tensor : content.tensors) {
    std::uint64_t bytes = 0;
    LATHE_CHECK(
        size_of(tensor.type) != 0 && bytes_of(tensor, bytes) && bytes == tensor.bytes.size(),
        tensor.name + ": bytes do not fit type and shape");
    LATHE_CHECK(tensor.name != "__metadata__" && !header.contains(tensor.name),
                tensor.name + " is there twice");
    header[tensor.name] = {
        {"dtype", tensor.type}, {"shape", tensor.shape}, {"data_offsets", {at, at + bytes}}};
    at += bytes;
  }
  std::string text = dump_json_line(header);
  text.append((kLengthBytes - text.size() % kLengthBytes) % kLengthBytes, ' ');
  return text;
}

std::uint64_t whole_number(const json& value, const std::string& where) {
  if (!value.is_number_unsigned()) refuse(where, "a whole number from 0", value.dump());
  return value.get<std::uint64_t>();
}

void require_keys(const json& entry, const std::string& where) {
  if (!entry.is_object()) refuse(where, "an object", entry.dump());
  for (const char* key : {"dtype", "shape", "data_offsets"})
    if (!entry.contains(key)) refuse(where, std::string("the key ") + key, "none");
  if (entry.size() != 3)
    refuse(where, "dtype, shape and data_offsets alone", std::to_string(entry.size()) + " keys");
}

/// One entry of the header; `data` is all bytes after it.
StoredTensor read_entry(const std::string& name, const json& entry, std::string_view data,
                        const std::string& where) {
  require_keys(entry, where);
  StoredTensor tensor;
  tensor.name = name;
  if (!entry["dtype"].is_string() || size_of(entry["dtype"].get<std::string>()) == 0)
    refuse(where + "/dtype", "one of safetensors' types (F32, ...)", entry["dtype"].dump());
  tensor.type = entry["dtype"].get<std::string>();
  if (!entry["shape"].is_array()) refuse(where + "/shape", "a list", entry["shape"].dump());
  for (const json& n : entry["shape"]) {
    const std::uint64_t size = whole_number(n, where + "/shape");
    if (size > std::uint64_t(std::numeric_limits<std::int64_t>::max()))
      refuse(where + "/shape", "sizes below 2^63", n.dump());
    tensor.shape.push_back(static_cast<std::int64_t>(size));
  }
  const json& offsets = entry["data_offsets"];
  if (!offsets.is_array() || offsets.size() != 2)
    refuse(where + "/data_offsets", "[begin, end]", offsets.dump());
  const std::uint64_t begin = whole_number(offsets[0], where + "/data_offsets");
  const std::uint64_t end = whole_number(offsets[1], where + "/data_offsets");
  if (begin > end || end > data.size())
    refuse(where + "/data_offsets", "within the " + std::to_string(data.size()) + " bytes of data",
           offsets.dump());
  std::uint64_t bytes = 0;
  if (!bytes_of(tensor, bytes) || bytes != end - begin)
    refuse(where + "/data_offsets",
           "as many bytes as " + tensor.type + " of " + entry["shape"].dump() + " takes",
           std::to_string(end - begin));
  tensor.bytes = data.substr(begin, end - begin);
  return tensor;
}

/// Refuses gaps, overlaps and bytes left over.
void check_cover(std::vector<StoredTensor> tensors, std::string_view data,
                 const std::string& where) {
  std::sort(tensors.begin(), tensors.end(), [](const StoredTensor& a, const StoredTensor& b) {
    return std::make_pair(a.bytes.data(), a.bytes.size()) <
           std::make_pair(b.bytes.data(), b.bytes.size());
  });
  const char* at = data.data();
  for (const StoredTensor& tensor : tensors) {
    if (tensor.bytes.data() != at)
      refuse(where + ": " + tensor.name, "bytes from offset " + std::to_string(at - data.data()),
             "from " + std::to_string(tensor.bytes.data() - data.data()) +
                 (tensor.bytes.data() < at ? " (overlap)" : " (gap)"));
    at += tensor.bytes.size();
  }
  if (at != data.data() + data.size())
    refuse(where, "data that ends with its last tensor",
           std::to_string(data.data() + data.size() - at) + " bytes left over");
}

std::map<std::string, std::string> read_metadata(const json& value, const std::string& where) {
  std::map<std::string, std::string> metadata;
  if (!value.is_object()) refuse(where, "an object of texts", value.dump());
  for (const auto& [key, text] : value.items()) {
    if (!text.is_string()) refuse(where + "/" + key, "a text", text.dump());
    metadata[key] = text.get<std::string>();
  }
  return metadata;
}

}  // namespace

const StoredTensor* TensorFile::find(std::string_view name) const {
  const auto at = std::lower_bound(
      tensors.begin(), tensors.end(), name,
      [](const StoredTensor& tensor, std::string_view n) { return tensor.name < n; });
  return at != tensors.end() && at->name == name ? &*at : nullptr;
}

void write_safetensors(const std::filesystem::path& file, const TensorFile& content) {
  TensorFile sorted{content.metadata, content.tensors, nullptr};
  std::sort(sorted.tensors.begin(), sorted.tensors.end(),
            [](const StoredTensor& a, const StoredTensor& b) { return a.name < b.name; });
  const std::string header = header_of(sorted);
  std::string length;
  for (std::size_t i = 0; i < kLengthBytes; ++i)
    length += static_cast<char>((std::uint64_t(header.size()) >> (8 * i)) & 0xff);
  write_file_pieces(file, [&](const std::function<void(std::string_view)>& write) {
    write(length);
    write(header);
    for (const StoredTensor& tensor : sorted.tensors) write(tensor.bytes);
  });
}

TensorFile parse_safetensors(std::string bytes, const std::string& where) {
  TensorFile content;
  content.storage = std::make_shared<const std::string>(std::move(bytes));
  const std::string_view all = *content.storage;
  if (all.size() < kLengthBytes)
    refuse(where, "a safetensors file (8 bytes of length, a header, data)",
           std::to_string(all.size()) + " bytes");
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i)
    length |= std::uint64_t(static_cast<unsigned char>(all[i])) << (8 * i);
  if (length > kMaxHeader)
    refuse(where,
           "a safetensors file with a header of at most " + std::to_string(kMaxHeader) + " bytes",
           std::to_string(length));
  if (length > all.size() - kLengthBytes)
    refuse(where, "a header of " + std::to_string(length) + " bytes",
           std::to_string(all.size() - kLengthBytes) + " (is the file cut off?)");
  const json header = parse_json(all.substr(kLengthBytes, length), where, Comments::refused);
  if (!header.is_object()) refuse(where, "an object as header", header.dump());
  const std::string_view data = all.substr(kLengthBytes + length);
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") {
      content.metadata = read_metadata(entry, where + ": /__metadata__");
    } else {
      content.tensors.push_back(read_entry(name, entry, data, where + ": /" + name));
    }
  }
  std::sort(content.tensors.begin(), content.tensors.end(),
            [](const StoredTensor& a, const StoredTensor& b) { return a.name < b.name; });
  check_cover(content.tensors, data, where);
  return content;
}

TensorFile read_safetensors(const std::filesystem::path& file) {
  return parse_safetensors(read_file(file, kMaxFile), file.string());
}

}  // namespace lathe::supernet
