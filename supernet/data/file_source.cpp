#include "supernet/data/file_source.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/json_io.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <locale.h>
#include <memory>
#include <vector>
#include <zlib.h>

namespace lathe::supernet {
namespace fs = std::filesystem;
namespace {

constexpr int kMaxDepth = 6;
constexpr std::size_t kPieceBytes = std::size_t(1) << 16;
constexpr const char* kArchive = "a folder or an archive (.tar, .tar.gz, .zip)";
const std::string kRestore = "get the archive again", kNoImage = "is it an image?";

[[noreturn]] void refuse(const std::string& where, const std::string& expected,
                         const std::string& found, const std::string& remedy = "") {
  throw FormatError(Problem{where, expected, found, remedy});
}

bool is_hidden(const std::vector<std::string>& parts) {
  return std::any_of(parts.begin(), parts.end(), [](const std::string& part) {
    return part == "__MACOSX" || (part[0] == '.' && part != "..");
  });
}

std::string join(const std::vector<std::string>& parts) {
  std::string name;
  for (const std::string& part : parts) name += (name.empty() ? "" : "/") + part;
  return name;
}

/// The content of a regular file; opening a pipe would wait for ever.
std::string read_entry(const fs::directory_entry& entry) {
  if (entry.is_regular_file()) return read_file(entry.path(), kMaxMemberBytes);
  refuse(entry.path().string(), "a file",
         entry.exists() ? "a pipe, socket or device" : "a link to nothing",
         "take it out of the data set");
}

/// Errors of the file system become ours, with its words.
[[noreturn]] void refuse_folder(const fs::filesystem_error& error) {
  refuse(error.path1().string(), "a readable folder", error.code().message(),
         "check its permissions, or take it out of the data set");
}

void visit_folder(const fs::path& folder, const std::string& prefix, int depth, int& count,
                  const std::function<void(const SourceEntry&)>& visit) {
  std::vector<fs::directory_entry> entries;
  for (const auto& entry : fs::directory_iterator(folder)) entries.push_back(entry);
  std::sort(entries.begin(), entries.end());
  for (const auto& entry : entries) {
    const std::string part = entry.path().filename().string();
    if (is_hidden({part})) continue;
    if (++count > kMaxMembers)
      refuse(folder.string(), "at most " + std::to_string(kMaxMembers) + " files", "more",
             "is it a data set?");
    check_name(folder.string(), part);
    const std::string name = prefix.empty() ? part : prefix + "/" + part;
    const fs::path path = entry.path();
    if (entry.is_directory()) {
      if (depth == kMaxDepth)
        refuse(path.string(), "at most " + std::to_string(kMaxDepth) + " levels of folders", "more",
               "is there a link to a folder above?");
      visit({name, true, {}});
      visit_folder(path, name, depth + 1, count, visit);
    } else {
      visit({name, false, [&entry] { return read_entry(entry); }});
    }
  }
}

struct CloseArchive {
  void operator()(archive* a) const { archive_read_free(a); }
};
using Archive = std::unique_ptr<archive, CloseArchive>;

std::string words_of(archive* a) {
  const char* words = archive_error_string(a);
  return words ? words : "no reason given";
}

/// Unpacks gzip for libarchive, whose own filter does not compare checksums.
class Gzip {
 public:
  explicit Gzip(const fs::path& path)
      : path_(path), file_(gzopen(path.c_str(), "rb")), piece_(kPieceBytes) {
    if (!file_) throw ResourceError("no memory to open " + path.string());
  }
  ~Gzip() { gzclose(file_); }
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;

  /// The next piece, empty at the end; `error` says what is wrong, if anything is.
  std::string_view next(std::string& error) {
    const int got = gzread(file_, piece_.data(), static_cast<unsigned>(piece_.size()));
    int code = Z_OK;
    const char* words = gzerror(file_, &code);
    if (code == Z_ERRNO) words = std::strerror(errno);
    if (got < 0 || code != Z_OK) error = words;
    const std::string prefix = path_.string() + ": ";  // zlib's
    if (error.rfind(prefix, 0) == 0) error.erase(0, prefix.size());
    return {piece_.data(), error.empty() ? static_cast<std::size_t>(got) : 0};
  }
  /// The checksum stands behind the last byte of the archive, and padding may.
  std::string drain() {
    std::string error;
    while (!next(error).empty()) continue;
    return error;
  }

  static la_ssize_t read(archive* a, void* gzip, const void** piece) {
    std::string error;
    const std::string_view got = static_cast<Gzip*>(gzip)->next(error);
    *piece = got.data();
    if (error.empty()) return static_cast<la_ssize_t>(got.size());
    archive_set_error(a, EIO, "gzip: %s", error.c_str());
    return -1;
  }

 private:
  fs::path path_;
  gzFile file_;
  std::vector<char> piece_;
};

/// libarchive converts names in UTF-8 to the thread's character set: while this lives, none is lost
/// whatever the user's locale.
class Utf8Names {
 public:
  Utf8Names() : locale_(newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)) {
    if (locale_ != nullptr) before_ = uselocale(locale_);
  }
  ~Utf8Names() {
    if (locale_ == nullptr) return;
    uselocale(before_);
    freelocale(locale_);
  }
  Utf8Names(const Utf8Names&) = delete;
  Utf8Names& operator=(const Utf8Names&) = delete;

 private:
  locale_t locale_, before_ = nullptr;
};

std::string read_member(archive* a, archive_entry* entry, const std::string& where) {
  std::string bytes;
  if (archive_entry_size_is_set(entry)) {
    const std::int64_t size = archive_entry_size(entry);
    if (size < 0 || size > kMaxMemberBytes)
      refuse(where, "at most " + std::to_string(kMaxMemberBytes) + " bytes", std::to_string(size),
             kNoImage);
  }
  char piece[1 << 14];
  for (;;) {
    const la_ssize_t got = archive_read_data(a, piece, sizeof piece);
    if (got < 0)
      refuse(where, "a whole member", "damaged or truncated archive: " + words_of(a), kRestore);
    if (got == 0) break;
    bytes.append(piece, static_cast<std::size_t>(got));
    if (std::int64_t(bytes.size()) > kMaxMemberBytes)  // a zip may not say its size, or lie
      refuse(where, "at most " + std::to_string(kMaxMemberBytes) + " bytes", "more", kNoImage);
  }
  if (archive_entry_size_is_set(entry) && std::int64_t(bytes.size()) != archive_entry_size(entry))
    refuse(where, std::to_string(archive_entry_size(entry)) + " bytes",
           std::to_string(bytes.size()), kRestore);
  return bytes;
}

void visit_member(archive* a, archive_entry* entry, const fs::path& path, int index,
                  const std::function<void(const SourceEntry&)>& visit) {
  const char* raw = archive_entry_pathname(entry);
  if (!raw) raw = archive_entry_pathname_utf8(entry);
  if (!raw)
    refuse(path.string(), "a readable name", "none for member " + std::to_string(index), kRestore);
  check_name(path.string(), raw);
  const std::vector<std::string> parts = split_name(raw);
  if (parts.empty() || is_hidden(parts)) return;
  const std::string name = join(parts), where = path.string() + ": " + name;
  if (std::find(parts.begin(), parts.end(), "..") != parts.end())
    refuse(where, "a name inside the archive", "\"..\"", "pack it anew");
  const auto type = archive_entry_filetype(entry);
  if (archive_entry_hardlink(entry) || (type != AE_IFREG && type != AE_IFDIR))
    refuse(where, "a file or folder", "a link or special file", "pack what it points to");
  if (type == AE_IFDIR) return visit({name, true, {}});
  visit({name, false, [&] { return read_member(a, entry, where); }});
}

bool starts_as_gzip(const fs::path& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             &std::fclose);
  if (!file)
    refuse(path.string(), "a file that can be read", std::strerror(errno), "check its permissions");
  return std::fgetc(file.get()) == 0x1f && std::fgetc(file.get()) == 0x8b;
}

/// Formats that are whole in one file: others (mtree) name files elsewhere, or start programs.
Archive open_archive(const fs::path& path, std::unique_ptr<Gzip>& gzip) {
  Archive a(archive_read_new());
  if (!a) throw ResourceError("no memory to open " + path.string());
  archive_read_support_format_tar(a.get());
  archive_read_support_format_zip_seekable(a.get());  // its index tells links and missing members
  archive_read_support_filter_bzip2(a.get());
  archive_read_support_filter_xz(a.get());
  archive_read_support_filter_zstd(a.get());
  if (starts_as_gzip(path)) gzip = std::make_unique<Gzip>(path);
  const int status = gzip ? archive_read_open(a.get(), gzip.get(), nullptr, Gzip::read, nullptr)
                          : archive_read_open_filename(a.get(), path.c_str(), kPieceBytes);
  if (status != ARCHIVE_OK) refuse(path.string(), kArchive, words_of(a.get()), kRestore);
  return a;
}

/// A tar that was cut between two members has no mark at its end, and nothing else tells.
void check_end(archive* a, Gzip* gzip, const std::string& where, int members) {
  const std::string whole = "a whole archive after " + std::to_string(members) + " members";
  const bool tar = (archive_format(a) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_TAR;
  if (tar && archive_filter_bytes(a, 0) <= archive_read_header_position(a))
    refuse(where, whole, "no mark of its end (is the archive cut off?)", kRestore);
  const std::string error = gzip != nullptr ? gzip->drain() : "";
  if (!error.empty()) refuse(where, whole, "gzip: " + error, kRestore);
}

void visit_archive(const fs::path& path, const std::function<void(const SourceEntry&)>& visit) {
  const Utf8Names utf8;
  std::unique_ptr<Gzip> gzip;
  const Archive a = open_archive(path, gzip);
  archive_entry* entry = nullptr;
  for (int index = 0;; ++index) {
    const int status = archive_read_next_header(a.get(), &entry);
    if (status == ARCHIVE_EOF) return check_end(a.get(), gzip.get(), path.string(), index);
    if (status != ARCHIVE_OK)
      refuse(path.string(),
             index == 0 ? kArchive : "a whole archive after " + std::to_string(index) + " members",
             words_of(a.get()), kRestore);
    if (index == kMaxMembers)
      refuse(path.string(), "at most " + std::to_string(kMaxMembers) + " members", "more",
             "is it a data set?");
    visit_member(a.get(), entry, path, index, visit);
  }
}

}  // namespace

void check_name(const std::string& where, const std::string& name) {
  const bool control = std::any_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
  const std::string text =
      nlohmann::json(name).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  if (control || text.find("\xEF\xBF\xBD") != std::string::npos)
    refuse(where, "names in UTF-8 without control characters", quote(name), "rename it");
}

std::vector<std::string> split_name(const std::string& name) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  while (begin <= name.size()) {
    const std::size_t end = std::min(name.find('/', begin), name.size());
    const std::string part = name.substr(begin, end - begin);
    if (!part.empty() && part != ".") parts.push_back(part);
    begin = end + 1;
  }
  return parts;
}

void visit_files(const fs::path& path, const std::function<void(const SourceEntry&)>& visit) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) read_file(path);  // throws, naming the nearest name
  if (!fs::is_directory(status)) {
    if (!fs::is_regular_file(status))
      refuse(path.string(), kArchive, "a pipe, socket or device",
             "unpack or copy it to a file first");
    if (fs::file_size(path) == 0) refuse(path.string(), kArchive, "an empty file", kRestore);
    return visit_archive(path, visit);
  }
  int count = 0;
  try {
    visit_folder(path, "", 0, count, visit);
  } catch (const fs::filesystem_error& failure) {
    refuse_folder(failure);
  }
}

}  // namespace lathe::supernet
