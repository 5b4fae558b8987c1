#include "spaces/base/error.hpp"
#include "spaces/base/json_io.hpp"
#include "tests/spaces/base/file_size_limit.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/scratch_folder.hpp"

#include <algorithm>
#include <fcntl.h>
#include <filesystem>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace lathe;
namespace fs = std::filesystem;

namespace {

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

void ignore_signal(int) {}

/// While it lives, SIGUSR1 interrupts system calls and does nothing else.
class InterruptingSignal {
 public:
  InterruptingSignal() {
    struct sigaction action {};
    action.sa_handler = ignore_signal;  // without SA_RESTART
    sigaction(SIGUSR1, &action, &before_);
  }
  ~InterruptingSignal() { sigaction(SIGUSR1, &before_, nullptr); }
  InterruptingSignal(const InterruptingSignal&) = delete;
  InterruptingSignal& operator=(const InterruptingSignal&) = delete;

 private:
  struct sigaction before_ {};
};

}  // namespace

TEST_CASE("a file that is written reads back, and no other name is left", "[base]") {
  const test::ScratchFolder folder;
  const std::string bytes = std::string("a\0b\n", 4) + std::string(1000000, 'x');
  write_file(folder / "f", "old");
  write_file(folder / "f", bytes);
  CHECK(read_file(folder / "f") == bytes);
  write_file(folder / "empty", "");
  CHECK(read_file(folder / "empty").empty());
  CHECK(names_in(folder.path()) == std::vector<std::string>{"empty", "f"});
}

TEST_CASE("a new file has the permissions that the user's mask leaves", "[base]") {
  const test::ScratchFolder folder;
  const mode_t mask = ::umask(027);
  write_file(folder / "f", "x");
  ::umask(mask);
  CHECK((fs::status(folder / "f").permissions() & fs::perms::all) == fs::perms(0640));
}

TEST_CASE("pieces are written in order, or not at all", "[base]") {
  const test::ScratchFolder folder;
  write_file_pieces(folder / "f", [](const auto& write) {
    write("one ");
    write("");
    write("two");
  });
  CHECK(read_file(folder / "f") == "one two");
  CHECK_THROWS_WITH(write_file_pieces(folder / "f",
                                      [](const auto& write) {
                                        write("half");
                                        throw FormatError("the source broke");
                                      }),
                    "the source broke");
  CHECK(read_file(folder / "f") == "one two");
  CHECK(names_in(folder.path()) == std::vector<std::string>{"f"});
}

TEST_CASE("what does not fit is a ResourceError in the system's words; the old file stays",
          "[base]") {
  const test::ScratchFolder folder;
  write_file(folder / "f", "old");
  {
    const test::FileSizeLimit limit(1000);
    CHECK_THROWS_AS(write_file(folder / "f", std::string(5000, 'x')), ResourceError);
    CHECK_THROWS_WITH(
        write_file(folder / "f", std::string(5000, 'x')),
        (folder / "f").string() +
            ": expected a file that can be written, got File too large; raise the limit of "
            "file sizes (ulimit -f), or choose another file system");
  }
  CHECK(read_file(folder / "f") == "old");
  CHECK(names_in(folder.path()) == std::vector<std::string>{"f"});
}

TEST_CASE("a folder that can't be written to is a ResourceError", "[base]") {
  const test::ScratchFolder folder;
  if (::geteuid() == 0) {
    WARN("skipped: the superuser may write everywhere");
    return;
  }
  fs::permissions(folder.path(), fs::perms(0555));
  CHECK_THROWS_WITH(write_file(folder / "f", "x"),
                    (folder / "f").string() +
                        ": expected a file that can be written, got Permission denied; "
                        "choose a place that can be written to");
  fs::permissions(folder.path(), fs::perms(0755));
}

TEST_CASE("a missing folder and a folder's name are told apart from a full disk", "[base]") {
  const test::ScratchFolder folder;
  write_file(folder / "file", "x");
  CHECK_THROWS_AS(write_file(folder / "none/f", "x"), ConfigError);
  CHECK_THROWS_WITH(write_file(folder / "none/f", "x"),
                    (folder / "none/f").string() +
                        ": expected a name in a folder that exists, got "
                        "one in the missing folder " +
                        (folder / "none").string() + "; make the folder, or choose another name");
  CHECK_THROWS_AS(write_file(folder / "file/f", "x"), ConfigError);
  CHECK_THROWS_WITH(write_file(folder.path(), "x"),
                    folder.path().string() +
                        ": expected the name of a file, got a folder; choose "
                        "another name");
}

TEST_CASE("two threads that write one file leave one of the two whole", "[base]") {
  const test::ScratchFolder folder;
  const auto work = [&](char letter) {
    for (int i = 0; i < 20; ++i) write_file(folder / "f", std::string(50000, letter));
  };
  std::thread other(work, 'a');
  work('b');
  other.join();
  const std::string bytes = read_file(folder / "f");
  CHECK(bytes == std::string(50000, bytes.at(0)));
  CHECK(names_in(folder.path()) == std::vector<std::string>{"f"});
}

TEST_CASE("what can't be read is a FormatError with the nearest name", "[base]") {
  const test::ScratchFolder folder;
  write_file(folder / "table.json", "x");
  CHECK_THROWS_AS(read_file(folder / "tabel.json"), FormatError);
  CHECK_THROWS_WITH(read_file(folder / "tabel.json"), (folder / "tabel.json").string() +
                                                          ": expected a file that can be read, got "
                                                          "nothing; did you mean " +
                                                          (folder / "table.json").string());
  CHECK_THROWS_WITH(
      read_file(folder / "other"),
      (folder / "other").string() + ": expected a file that can be read, got nothing");
  CHECK_THROWS_WITH(read_file(folder / "none/f"),
                    ContainsSubstring("got nothing; the folder " + (folder / "none").string() +
                                      " does not exist"));
  CHECK_THROWS_WITH(read_file(folder.path()), ContainsSubstring("got a folder"));
}

TEST_CASE("a file larger than asked for is refused", "[base]") {
  const test::ScratchFolder folder;
  write_file(folder / "f", std::string(11, 'x'));
  CHECK(read_file(folder / "f", 11).size() == 11);
  CHECK_THROWS_WITH(read_file(folder / "f", 10),
                    (folder / "f").string() + ": expected at most 10 bytes, got a larger file");
}

TEST_CASE("reading goes on where a signal interrupts it", "[base]") {
  const test::ScratchFolder folder;
  const fs::path pipe = folder / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  const InterruptingSignal signal;
  std::string bytes;
  std::thread reader([&] { bytes = read_file(pipe); });
  const int end = ::open(pipe.c_str(), O_WRONLY);
  REQUIRE(end >= 0);
  for (int i = 0; i < 1000; ++i) {
    pthread_kill(reader.native_handle(), SIGUSR1);
    REQUIRE(::write(end, "0123456789", 10) == 10);
  }
  ::close(end);
  reader.join();
  CHECK(bytes.size() == 10000);
}
