#include "supernet/data/file_source.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/json_io.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <memory>

namespace lathe::supernet {
namespace fs = std::filesystem;
namespace {

constexpr int kMaxDepth = 6;

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

/// Errors of the file system become ours, with its words.
[[noreturn]] void refuse_folder(const fs::filesystem_error& error) {
  refuse(error.path1().string(), "a readable folder", error.code().message());
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
      refuse(folder.string(), "at most " + std::to_string(kMaxMembers) + " files", "more");
    const std::string name = prefix.empty() ? part : prefix + "/" + part;
    const fs::path path = entry.path();
    if (entry.is_directory()) {
      if (depth == kMaxDepth)
        refuse(path.string(), "at most " + std::to_string(kMaxDepth) + " levels of folders", "more",
               "is there a link to a folder above?");
      visit({name, true, {}});
      visit_folder(path, name, depth + 1, count, visit);
    } else {
      visit({name, false, [path] { return read_file(path, kMaxMemberBytes); }});
    }
  }
}

struct CloseArchive {
  void operator()(archive* a) const { archive_read_free(a); }
};

std::string words_of(archive* a) {
  const char* words = archive_error_string(a);
  return words ? words : "no reason given";
}

std::string read_member(archive* a, archive_entry* entry, const std::string& where) {
  std::string bytes;
  if (archive_entry_size_is_set(entry)) {
    const std::int64_t size = archive_entry_size(entry);
    if (size > kMaxMemberBytes)
      refuse(where, "at most " + std::to_string(kMaxMemberBytes) + " bytes", std::to_string(size));
    bytes.reserve(static_cast<std::size_t>(size));
  }
  char piece[1 << 14];
  for (;;) {
    const la_ssize_t got = archive_read_data(a, piece, sizeof piece);
    if (got < 0) refuse(where, "a whole member", "damaged or truncated archive: " + words_of(a));
    if (got == 0) break;
    bytes.append(piece, static_cast<std::size_t>(got));
    if (std::int64_t(bytes.size()) > kMaxMemberBytes)  // a zip may not say its size, or lie
      refuse(where, "at most " + std::to_string(kMaxMemberBytes) + " bytes", "more");
  }
  if (archive_entry_size_is_set(entry) && std::int64_t(bytes.size()) != archive_entry_size(entry))
    refuse(where, std::to_string(archive_entry_size(entry)) + " bytes",
           std::to_string(bytes.size()));
  return bytes;
}

void visit_member(archive* a, archive_entry* entry, const fs::path& path, int index,
                  const std::function<void(const SourceEntry&)>& visit) {
  const char* raw = archive_entry_pathname(entry);
  if (!raw) raw = archive_entry_pathname_utf8(entry);
  if (!raw) refuse(path.string(), "a readable name", "none for member " + std::to_string(index));
  const std::vector<std::string> parts = split_name(raw);
  if (parts.empty() || is_hidden(parts)) return;
  const std::string name = join(parts), where = path.string() + ": " + name;
  if (std::find(parts.begin(), parts.end(), "..") != parts.end())
    refuse(where, "a name inside the archive", "\"..\"");
  const auto type = archive_entry_filetype(entry);
  if (archive_entry_hardlink(entry) || (type != AE_IFREG && type != AE_IFDIR))
    refuse(where, "a file or folder", "a link or special file");
  if (type == AE_IFDIR) return visit({name, true, {}});
  visit({name, false, [&] { return read_member(a, entry, where); }});
}

void visit_archive(const fs::path& path, const std::function<void(const SourceEntry&)>& visit) {
  const std::unique_ptr<archive, CloseArchive> a(archive_read_new());
  if (!a) throw ResourceError("no memory to open " + path.string());
  archive_read_support_filter_all(a.get());
  archive_read_support_format_all(a.get());
  if (archive_read_open_filename(a.get(), path.c_str(), 1 << 16) != ARCHIVE_OK)
    refuse(path.string(), "a folder or an archive (.tar, .tar.gz, .zip)", words_of(a.get()));
  archive_entry* entry = nullptr;
  for (int index = 0;; ++index) {
    const int status = archive_read_next_header(a.get(), &entry);
    if (status == ARCHIVE_EOF) break;
    if (status < ARCHIVE_WARN)
      refuse(path.string(),
             index == 0 ? "a folder or an archive (.tar, .tar.gz, .zip)"
                        : "a whole archive after " + std::to_string(index) + " members",
             words_of(a.get()));
    if (index == kMaxMembers)
      refuse(path.string(), "at most " + std::to_string(kMaxMembers) + " members", "more");
    visit_member(a.get(), entry, path, index, visit);
  }
}

}  // namespace

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
  if (!fs::is_directory(status)) return visit_archive(path, visit);
  int count = 0;
  try {
    visit_folder(path, "", 0, count, visit);
  } catch (const fs::filesystem_error& failure) {
    refuse_folder(failure);
  }
}

}  // namespace lathe::supernet
