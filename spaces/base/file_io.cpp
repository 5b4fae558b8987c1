#include "spaces/base/file_io.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/json_io.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

namespace lathe {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPieceBytes = std::size_t(1) << 18;

std::string system_words(int error) { return std::generic_category().message(error); }

fs::path folder_of(const fs::path& file) {
  const fs::path parent = file.parent_path();
  return parent.empty() ? fs::path(".") : parent;
}

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

std::string nearest_name(const fs::path& file) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(folder_of(file), error), end; !error && it != end;
       it.increment(error)) {
    names.push_back(it->path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return nearest_word(file.filename().string(), names);
}

[[noreturn]] void throw_unreadable(const fs::path& file, int error) {
  Problem problem{file.string(), "a file that can be read", system_words(error), ""};
  if (error == ENOENT || error == ENOTDIR) {
    problem.found = "nothing";
    if (!is_folder(folder_of(file))) {
      problem.remedy = "the folder " + folder_of(file).string() + " does not exist";
    } else if (const std::string name = nearest_name(file); !name.empty()) {
      problem.remedy = "did you mean " + (file.parent_path() / name).string();
    }
  } else if (error == EISDIR) {
    problem.found = "a folder";
    problem.remedy = "name a file";
  } else if (error == EACCES) {
    problem.remedy = "check its permissions";
  }
  throw FormatError(problem);
}

/// A new file in the folder of `file`, with the permissions that any new file has.
std::pair<fs::path, int> open_temporary(const fs::path& file) {
  const std::string start = temporary_prefix(::getpid());
  for (int attempt = 0;; ++attempt) {
    const fs::path name = folder_of(file) / (start + std::to_string(attempt) + ".tmp");
    const int descriptor = open_file(name, O_WRONLY | O_CREAT | O_EXCL, 0666);
    if (descriptor >= 0) return {name, descriptor};
    if (errno != EEXIST) throw_unwritable(file, errno);
  }
}

/// Until it has its final name, the file is removed with this.
class Temporary {
 public:
  explicit Temporary(fs::path name) : name_(std::move(name)) {}
  ~Temporary() {
    if (!name_.empty()) ::unlink(name_.c_str());
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  /// 0, or an errno.
  int rename_to(const fs::path& file) {
    if (::rename(name_.c_str(), file.c_str()) != 0) return errno;
    name_.clear();
    return 0;
  }

 private:
  fs::path name_;
};

/// What to do about an errno of a write.
std::string remedy_of(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return "make room there, then run it again; what takes --resume goes on where it was";
    case EROFS:
    case EACCES:
    case EPERM:
      return "choose a place that can be written to";
    case EFBIG:
      return "raise the limit of file sizes (ulimit -f), or choose another file system";
    case EIO:
      return "look after the disk (the system's log says more), or choose another place";
    default:
      return "";
  }
}

/// Where the last whole line ends: after the last newline, or 0. -1 and errno where reading fails.
off_t end_of_lines(int descriptor) {
  std::array<char, 4096> buffer{};
  off_t end = ::lseek(descriptor, 0, SEEK_END);
  while (end > 0) {
    const off_t start = std::max<off_t>(0, end - static_cast<off_t>(buffer.size()));
    if (::lseek(descriptor, start, SEEK_SET) < 0) return -1;
    const std::int64_t got =
        read_some(descriptor, buffer.data(), static_cast<std::size_t>(end - start));
    if (got < 0) return -1;
    for (std::int64_t i = got; i > 0; --i) {
      if (buffer[static_cast<std::size_t>(i - 1)] == '\n') return start + i;
    }
    end = start;
  }
  return end;
}

/// 0, or an errno. Some file systems cannot flush folders and say so with EINVAL.
int flush(int descriptor) {
  int result = 0;
  do {
    result = ::fsync(descriptor);
  } while (result != 0 && errno == EINTR);
  return result == 0 || errno == EINVAL || errno == ENOTSUP ? 0 : errno;
}

}  // namespace

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

int Descriptor::release() {
  const int number = number_;
  number_ = -1;
  return number;
}

int open_file(const fs::path& file, int flags, int mode) {
  int descriptor = -1;
  do {
    descriptor = ::open(file.c_str(), flags | O_CLOEXEC, mode);
  } while (descriptor < 0 && errno == EINTR);
  return descriptor;
}

bool write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) return false;
    if (written > 0) bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

std::int64_t read_some(int descriptor, char* buffer, std::size_t size) {
  ssize_t got = -1;
  do {
    got = ::read(descriptor, buffer, size);
  } while (got < 0 && errno == EINTR);
  return got;
}

void read_pieces(const fs::path& file, const std::function<void(std::string_view)>& piece) {
  const Descriptor descriptor(open_file(file, O_RDONLY));
  if (descriptor.get() < 0) throw_unreadable(file, errno);
  std::vector<char> buffer(kPieceBytes);
  while (true) {
    const std::int64_t got = read_some(descriptor.get(), buffer.data(), buffer.size());
    if (got < 0) throw_unreadable(file, errno);
    if (got == 0) return;
    piece({buffer.data(), static_cast<std::size_t>(got)});
  }
}

void throw_unwritable(const fs::path& file, int error) {
  const bool missing = (error == ENOENT || error == ENOTDIR) && !is_folder(folder_of(file));
  if (missing) {
    throw ConfigError({file.string(), "a name in a folder that exists",
                       "one in the missing folder " + folder_of(file).string(),
                       "make the folder, or choose another name"});
  }
  if (is_folder(file)) {
    throw ConfigError({file.string(), "the name of a file", "a folder", "choose another name"});
  }
  throw ResourceError(text(
      Problem{file.string(), "a file that can be written", system_words(error), remedy_of(error)}));
}

int open_lines(const fs::path& file) {
  Descriptor descriptor(open_file(file, O_RDWR | O_CREAT | O_APPEND, 0666));
  if (descriptor.get() < 0) throw_unwritable(file, errno);
  const off_t end = end_of_lines(descriptor.get());
  if (end < 0) throw_unwritable(file, errno);
  const bool torn = ::lseek(descriptor.get(), 0, SEEK_END) != end;
  if (torn && ::ftruncate(descriptor.get(), end) != 0) throw_unwritable(file, errno);
  return descriptor.release();
}

void append_lines(int descriptor, const fs::path& file, std::string_view lines) {
  const off_t before = ::lseek(descriptor, 0, SEEK_END);
  if (before >= 0 && write_all(descriptor, lines)) return;
  const int error = errno;
  // If this fails too, the torn line has no newline and the next writer cuts it off.
  if (before >= 0 && ::ftruncate(descriptor, before) != 0) errno = error;
  throw_unwritable(file, error);
}

void flush_file(const fs::path& file) {
  const Descriptor descriptor(open_file(file, O_RDONLY));
  if (descriptor.get() < 0) throw_unwritable(file, errno);
  if (const int error = flush(descriptor.get()); error != 0) throw_unwritable(file, error);
}

void remove_file(const fs::path& file) {
  if (::unlink(file.c_str()) != 0 && errno != ENOENT) throw_unwritable(file, errno);
}

std::string temporary_prefix(std::int64_t process) {
  return ".lathe-" + std::to_string(process) + "-";
}

NewFolder::NewFolder(const fs::path& folder) {
  std::error_code error;
  for (fs::path missing = folder; !missing.empty() && !fs::exists(missing, error);
       missing = missing.parent_path()) {
    made_.push_back(missing);
  }
  fs::create_directories(folder, error);
  if (!error) return;
  remove();
  throw_unwritable(folder, error.value());
}

NewFolder::~NewFolder() { remove(); }

void NewFolder::remove() const {
  std::error_code ignored;
  for (const fs::path& folder : made_) fs::remove(folder, ignored);
}

std::string read_file(const fs::path& file, std::uintmax_t max_bytes) {
  std::string bytes;
  read_pieces(file, [&](std::string_view piece) {
    if (bytes.size() + piece.size() > max_bytes) {
      throw FormatError(
          {file.string(), "at most " + std::to_string(max_bytes) + " bytes", "a larger file", ""});
    }
    bytes += piece;
  });
  return bytes;
}

void write_file(const fs::path& file, std::string_view bytes) {
  write_file_pieces(file, [&](const auto& write) { write(bytes); });
}

void write_file_pieces(
    const fs::path& file,
    const std::function<void(const std::function<void(std::string_view)>&)>& body) {
  if (is_folder(file)) throw_unwritable(file, EISDIR);
  const auto [name, number] = open_temporary(file);
  Temporary temporary(name);
  Descriptor descriptor(number);
  body([&, opened = number](std::string_view bytes) {
    if (!write_all(opened, bytes)) throw_unwritable(file, errno);
  });
  if (const int error = flush(number); error != 0) throw_unwritable(file, error);
  // Network file systems report what they could not store only here.
  if (::close(descriptor.release()) != 0 && errno != EINTR) throw_unwritable(file, errno);
  if (const int error = temporary.rename_to(file); error != 0) throw_unwritable(file, error);
  const Descriptor folder(open_file(folder_of(file), O_RDONLY | O_DIRECTORY));
  if (const int error = folder.get() < 0 ? 0 : flush(folder.get()); error != 0) {
    throw_unwritable(file, error);
  }
}

}  // namespace lathe
