#include "spaces/base/error.hpp"
#include "supernet/data/dataset.hpp"
#include "tests/supernet/image_files.hpp"
#include "tests/supernet/odd_images.hpp"
#include "tests/supernet/refusal.hpp"
#include "tests/support/catch.hpp"

#include <functional>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

using namespace lathe;
using namespace lathe::supernet;
using namespace lathe::test;
using namespace std::string_literals;
namespace fs = std::filesystem;

namespace {

using Members = std::vector<std::pair<std::string, std::string>>;

const std::string kReplace = "replace it, or take it out of the data set";
const std::string kMove = "move it, or take it out of the data set";
const std::string kWhole = "is the data set whole?";
const std::string kAgain = "get the archive again";
const std::string kKinds = "a folder or an archive (.tar, .tar.gz, .zip)";

/// All names below the folder.
std::set<std::string> names_below(const fs::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    names.insert(entry.path().string());
  return names;
}

/// "" if loading `path` is refused like this and leaves the folder as it was.
std::string unlike(const TempFolder& folder, const fs::path& path, const Refusal& refusal,
                   int image_size = 8) {
  const auto before = names_below(folder.path());
  const std::string difference =
      unlike(refusal, ExitCode::input, [&] { load_dataset(path, image_size); });
  return names_below(folder.path()) == before ? difference : "something was written";
}

Members good() {
  const std::string png = noise_png(8, 100, 1);
  return {
      {"train/a/1.png", png}, {"train/b/1.png", png}, {"test/a/1.png", png}, {"test/b/1.png", png}};
}

Members with(Members members, const std::string& name, const std::string& bytes) {
  members.emplace_back(name, bytes);
  return members;
}

/// CIFAR's files, each with one record of every class.
Members cifar() {
  std::string records;
  for (char label = 0; label < 10; ++label) records += label + std::string(3072, 'x');
  Members members;
  for (const char* name : {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                           "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"})
    members.emplace_back(std::string("c/") + name, records);
  return members;
}

Members cifar_with(std::size_t member, const std::function<void(std::string&)>& change) {
  Members members = cifar();
  change(members[member].second);
  return members;
}

Members without(Members members, std::size_t at) {
  members.erase(members.begin() + std::ptrdiff_t(at));
  return members;
}

struct Case {
  const char* name;
  Members members;
  Refusal refusal;         ///< `where` is what follows the data set's name
  bool in_folders = true;  ///< whether a folder says the same
};

std::vector<Case> layouts() {
  const std::string png = noise_png(8, 100, 1), small = noise_png(7, 100, 1);
  const std::string only = "the same classes in train and test";
  return {
      {"no images",
       {{"x/readme", "hi"}},
       {"", "train/CLASS/ with images, or CIFAR", "neither",
        "docs/train-a-supernet.md has both layouts"}},
      {"no test",
       {good()[0], good()[1]},
       {"", "either test/ or val/ beside train/", "neither",
        "the validation part is cut from train/"}},
      {"test and val",
       with(good(), "val/a/1.png", png),
       {"", "either test/ or val/ beside train/", "both", "the validation part"}},
      {"an empty class",
       with(good(), "train/c/", ""),
       {": train/c", "at least one image", "none", kWhole}},
      {"a class in train alone",
       with(good(), "train/c/1.png", png),
       {"", only, "class c in train alone", kWhole}},
      {"a class in test alone",
       with(good(), "test/c/1.png", png),
       {"", only, "class c in test alone", kWhole}},
      {"one class", {good()[0], good()[2]}, {"", "at least two classes", "1", kWhole}},
      {"an image above the classes",
       with(good(), "train/2.png", png),
       {": train/2.png", "images in train/CLASS/", "an image elsewhere", kMove}},
      {"an image below them",
       with(good(), "train/a/x/2.png", png),
       {": train/a/x/2.png", "images in train/CLASS/", "an image elsewhere", kMove},
       false},
      {"a folder that is called like an image",
       with(good(), "train/a/2.png/", ""),
       {": train/a/2.png", "images in a class folder", "a folder", kMove}},
      {"another kind of file",
       with(good(), "train/a/notes.txt", "hi"),
       {": train/a/notes.txt", "a .jpg, .jpeg or .png", "another kind of file", kMove}},
      {"two data sets",
       with(good(), "other/train/a/2.png", png),
       {"", "one data set, in \"\"", "another in \"other/\"", kMove},
       false},
      {"a name that comes twice",
       with(good(), "train/a/1.png", png),
       {": train/a/1.png", "one image of that name", "a second one", kMove},
       false},
      {"a small image",
       with(good(), "train/a/2.png", small),
       {": train/a/2.png", "at least 8 pixels a side (data.image_size)", "7 x 7",
        "images are never enlarged"}},
      {"an image that is none",
       with(good(), "train/a/2.jpg", "text"),
       {": train/a/2.jpg", "a JPEG or PNG", "other bytes at its start", kReplace}},
      {"an image of no bytes",
       with(good(), "test/b/2.jpg", ""),
       {": test/b/2.jpg", "a JPEG or PNG", "an empty file", kReplace}},
      {"half an image",
       with(good(), "test/b/2.png", png.substr(0, 80)),
       {": test/b/2.png", "a whole PNG", "damaged data: ", kReplace}},
      {"half a JPEG",
       with(good(), "val/b/2.jpg", jpeg_bytes(8, 8, 3, 9).substr(0, 300)),
       {": val/b/2.jpg", "a whole JPEG", "damaged data: ", kReplace}},
      {"CIFAR's batch is missing",
       without(cifar(), 2),
       {"", "data_batch_1.bin to data_batch_5.bin and test_batch.bin", "no data_batch_3.bin",
        kWhole}},
      {"CIFAR's test batch is missing",
       without(cifar(), 5),
       {"", "data_batch_1.bin to data_batch_5.bin and", "no test_batch.bin", kWhole}},
      {"CIFAR's batch is empty",
       cifar_with(1, [](auto& bytes) { bytes.clear(); }),
       {": data_batch_2.bin", "records of 3073 bytes", "0 bytes in all", "is it CIFAR-10's"}},
      {"CIFAR's batch is cut",
       cifar_with(5, [](auto& bytes) { bytes.pop_back(); }),
       {": test_batch.bin", "records of 3073 bytes", "30729 bytes in all", "is it CIFAR-10's"}},
      {"a label above 9",
       cifar_with(0, [](auto& bytes) { bytes[3073] = 10; }),
       {": data_batch_1.bin/1", "a label from 0 to 9", "10", "is it CIFAR-10's"}},
      {"a label of 255",
       cifar_with(5, [](auto& bytes) { bytes[0] = '\xff'; }),
       {": test_batch.bin/0", "a label from 0 to 9", "255", "is it CIFAR-10's"}},
      {"a class without test images",
       cifar_with(5, [](auto& bytes) { bytes.resize(9 * 3073); }),
       {": test_batch.bin", "at least one image of class 9", "none", kWhole}},
      {"a sixth batch",
       with(cifar(), "c/data_batch_6.bin", "x"),
       {": data_batch_6.bin", "data_batch_1.bin to", "another batch", kMove}},
      {"a batch that comes twice",
       with(cifar(), "d/data_batch_1.bin", "x"),
       {": d/data_batch_1.bin", "one file of that name", "a second one", kMove}},
      {"two names of classes",
       with(cifar(), "batches.meta.txt", "a\nb\n"),
       {": batches.meta.txt", "the names of 10 classes", "2 different of 2", kWhole}},
      {"names that are not UTF-8",
       with(cifar(), "batches.meta.txt", "\xff\nb\nc\nd\ne\nf\ng\nh\ni\nj"),
       {": batches.meta.txt", "names in UTF-8", "\"\\xff\"", "rename it"}},
      {"both layouts",
       with(cifar(), "train/a/1.png", png),
       {"", "either train/CLASS/ or data_batch_1.bin", "both", kMove}},
  };
}

/// Cases that only an archive can have.
std::vector<Case> archives() {
  const std::string png = noise_png(8, 100, 1);
  return {
      {"a name that leads outside",
       with(good(), "../../train/a/2.png", png),
       {": ../../train/a/2.png", "a name inside the archive", "\"..\"", "pack it anew"}},
      {"\"..\" within",
       with(good(), "train/a/../a/2.png", png),
       {": train/a/../a/2.png", "a name inside the archive", "\"..\"", "pack it anew"}},
      {"a link",
       with(good(), "train/a/l.png", "->1.png"),
       {": train/a/l.png", "a file or folder", "a link or special file", "pack what"}},
      {"a link to a folder",
       with(good(), "train/c", "->a"),
       {": train/c", "a file or folder", "a link or special file", "pack what"}},
      {"a name that is not UTF-8",
       with(good(), "train/\xff/1.png", png),
       {"", "names in UTF-8", "\"train/\\xff/1.png\"", "rename it"}},
      {"a line end in a name",
       with(good(), "train/a\n/1.png", png),
       {"", "names in UTF-8 without control characters", "\"train/a\\x0a/1.png\"", "rename it"}},
  };
}

/// What loading gives: the data set's fingerprint, or 0 if it is refused as a file.
std::uint64_t loaded(const TempFolder& folder, const std::string& name, const std::string& bytes) {
  try {
    return load_dataset(folder.write(name, bytes), 8).fingerprint();
  } catch (const FormatError& error) {
    CHECK_THAT(std::string(error.what()), ContainsSubstring(name));
    return 0;
  }
}

}  // namespace

TEST_CASE("a data set that is not whole is refused in four parts, in archives and folders",
          "[supernet][data]") {
  for (const Case& c : layouts()) {
    const TempFolder folder;
    fs::create_directory(folder / "tree");
    for (const auto& [name, bytes] : c.members)
      if (name.back() == '/') {
        fs::create_directories(folder / "tree" / name);
      } else {
        folder.write("tree/" + name, bytes);
      }
    std::vector<fs::path> paths = {
        folder.write("a.tar", archive_bytes(c.members, "ustar", "none")),
        folder.write("a.tar.gz", archive_bytes(c.members, "ustar", "gzip")),
        folder.write("a.zip", archive_bytes(c.members, "zip", "none"))};
    if (c.in_folders) paths.push_back(folder / "tree");
    for (const fs::path& path : paths) {
      INFO(c.name << " in " << path.filename());
      Refusal refusal = c.refusal;
      refusal.where = path.string() + refusal.where;
      CHECK(unlike(folder, path, refusal) == "");
    }
  }
}

TEST_CASE("members that no archive may have are refused in four parts", "[supernet][data]") {
  for (const Case& c : archives())
    for (const char* format : {"ustar", "zip"}) {
      INFO(c.name << " in " << format);
      const TempFolder folder;
      const auto file = folder.write("a.x", archive_bytes(c.members, format, "none"));
      Refusal refusal = c.refusal;
      refusal.where = file.string() + refusal.where;
      CHECK(unlike(folder, file, refusal) == "");
    }
}

TEST_CASE("an absolute name is a name inside the archive", "[supernet][data]") {
  Members members = good();
  for (auto& member : members) member.first = "/" + member.first;
  const TempFolder folder;
  CHECK(loaded(folder, "a.tar", archive_bytes(members, "ustar", "none")) ==
        loaded(folder, "b.tar", archive_bytes(good(), "ustar", "none")));
}

TEST_CASE("names in UTF-8 are the same from every archive and from a folder", "[supernet][data]") {
  Members members;
  for (const auto& [name, bytes] : good()) {
    std::string renamed = name;
    if (const auto at = renamed.find("/b/"); at != std::string::npos)
      renamed.replace(at, 3, "/b\xc3\xa4r \xe7\x86\x8a/");
    members.emplace_back(renamed, bytes);
  }
  const TempFolder folder;
  for (const auto& [name, bytes] : members) folder.write("tree/" + name, bytes);
  const Dataset data = load_dataset(folder / "tree", 8);
  CHECK(data.classes == std::vector<std::string>{"a", "b\xc3\xa4r \xe7\x86\x8a"});
  for (const char* format : {"ustar", "pax", "gnutar", "zip"}) {
    INFO(format);
    CHECK(loaded(folder, "a.x", archive_bytes(members, format, "none")) == data.fingerprint());
  }
}

TEST_CASE("a file that is no archive is refused in four parts", "[supernet][data]") {
  const TempFolder folder;
  const auto is = [&](const std::string& bytes, const std::string& found) {
    const auto file = folder.write("a.tar.gz", bytes);
    return unlike(folder, file, {file.string(), kKinds, found, kAgain});
  };
  CHECK(is("", "an empty file") == "");
  CHECK(is("plain text", "Unrecognized archive format") == "");
  CHECK(is(noise_png(8, 1, 1), "Unrecognized archive format") == "");
  CHECK(is("#mtree\n./train/a/1.png type=file contents=/etc/passwd\n", "Unrecognized") == "");
  CHECK(is("LRZI\0\6" + std::string(64, '\0'), "Unrecognized") == "");  // starts a program
  CHECK(is("\x1f\x8b", "gzip: ") == "");
  CHECK(is("\x1f\x8b\x08", "gzip: ") == "");
  CHECK(is("PK\3\4" + std::string(60, '\0'), "Unrecognized archive format") == "");
  const fs::path missing = folder / "a.tar.gx";
  CHECK(unlike(folder, missing,
               {missing.string(), "a file that can be read", "nothing",
                "did you mean " + (folder / "a.tar.gz").string()}) == "");
  const fs::path pipe = folder / "pipe.tar";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(unlike(folder, pipe, {pipe.string(), kKinds, "a pipe", "unpack or copy"}) == "");
  fs::create_directory(folder / "empty");
  CHECK(unlike(folder, folder / "empty",
               {(folder / "empty").string(), "train/CLASS/", "neither",
                "docs/train-a-supernet.md has both layouts"}) == "");
}

TEST_CASE("an archive cut at any power of two is refused", "[supernet][data][property]") {
  const TempFolder folder;
  const Members members = toy_members(2, 2, 1, 8);
  for (const auto& [format, filter] :
       {std::make_pair("ustar", "none"), std::make_pair("pax", "none"),
        std::make_pair("ustar", "gzip"), std::make_pair("ustar", "bzip2"),
        std::make_pair("ustar", "xz"), std::make_pair("zip", "none")}) {
    const std::string whole = archive_bytes(members, format, filter);
    const std::uint64_t fingerprint = loaded(folder, "whole", whole);
    CHECK(fingerprint != 0);
    for (std::size_t size = 1; size < whole.size(); size *= 2) {
      INFO(format << " " << filter << " cut to " << size << " of " << whole.size());
      CHECK(loaded(folder, "cut", whole.substr(0, size)) == 0);
    }
  }
}

TEST_CASE("a tar cut between two members is refused", "[supernet][data][property]") {
  const TempFolder folder;
  const std::string whole = archive_bytes(toy_members(2, 3, 2, 8), "ustar", "none");
  const std::uint64_t fingerprint = loaded(folder, "whole.tar", whole);
  const std::size_t end = whole.find_last_not_of('\0');
  for (std::size_t size = 512; size < whole.size(); size += 512) {
    INFO("cut to " << size << " of " << whole.size());
    // Behind the mark of the end there may be any number of zeros.
    const std::uint64_t expected = size > end + 512 ? fingerprint : 0;
    CHECK(loaded(folder, "cut.tar", whole.substr(0, size)) == expected);
  }
  // The members' own bytes end in zeros: nothing that a mark could be mistaken for.
  Members members = cifar();
  for (auto& member : members) std::fill_n(member.second.end() - 2048, 2048, '\0');
  const std::string batches = archive_bytes(members, "ustar", "none");
  const auto cut = folder.write(
      "c.tar", batches.substr(0, batches.find_last_not_of('\0') / 512 * 512 + 512 + 2048));
  CHECK(unlike(folder, cut,
               {cut.string(), "a whole archive after 6 members",
                "no mark of its end (is the archive cut off?)", kAgain},
               32) == "");
}

TEST_CASE("an archive with a wrong bit is refused or the same data set",
          "[supernet][data][property]") {
  const TempFolder folder;
  const Members members = toy_members(2, 2, 1, 8);
  for (const char* filter : {"none", "gzip"}) {
    const std::string whole = archive_bytes(members, "ustar", filter);
    const std::uint64_t fingerprint = loaded(folder, "whole", whole);
    for (std::size_t bit = 3; bit < 8 * whole.size(); bit += filter[0] == 'n' ? 401 : 101) {
      std::string wrong = whole;
      wrong[bit / 8] = static_cast<char>(wrong[bit / 8] ^ (1 << bit % 8));
      INFO(filter << ", bit " << bit);
      const std::uint64_t got = loaded(folder, "wrong", wrong);
      CHECK((got == 0 || got == fingerprint));
    }
  }
}

TEST_CASE("wrong checksums of archives are refused in four parts", "[supernet][data]") {
  const TempFolder folder;
  const auto check = [&](std::string bytes, std::size_t at, const Refusal& refusal) {
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    const auto file = folder.write("a.x", bytes);
    Refusal whole = refusal;
    whole.where = file.string() + refusal.where;
    CHECK(unlike(folder, file, whole) == "");
  };
  const std::string gz = archive_bytes(good(), "ustar", "gzip");
  // Small enough to be unpacked in one piece, before the first member is seen.
  check(gz, gz.size() - 8, {"", kKinds, "gzip: incorrect data check", kAgain});
  check(gz, gz.size() - 1, {"", kKinds, "gzip: incorrect length check", kAgain});
  // More than a piece.
  const std::string large = archive_bytes(cifar(), "ustar", "gzip");
  check(large, large.size() - 8,
        {": c/data_batch_5.bin", "a whole member",
         "damaged or truncated archive: gzip: incorrect data check", kAgain});
  const std::string tar = archive_bytes(good(), "ustar", "none");
  // Behind the archive's end nothing would be read but for the checksum.
  const std::string padded = gzip_of(tar + std::string(std::size_t(1) << 20, '\0'));
  check(padded, padded.size() - 8,
        {"", "a whole archive after 4 members", "gzip: incorrect data check", kAgain});
  check(tar, 100, {"", kKinds, "", kAgain});  // the first header's mode
  const std::size_t second = tar.find("train/b");
  check(tar, second, {"", "a whole archive after 1 members", "", kAgain});
  const std::string zip = archive_bytes(good(), "zip", "none");
  const std::size_t data = zip.find("IDAT");
  check(zip, data,
        {": train/a/1.png", "a whole member", "damaged or truncated archive: ZIP bad CRC", kAgain});
}

TEST_CASE("what is no file in a folder is refused in four parts", "[supernet][data]") {
  const TempFolder folder;
  for (const auto& [name, bytes] : good()) folder.write("t/" + name, bytes);
  const fs::path top = folder / "t", odd = top / "train/a/2.png";
  const auto refused = [&](const fs::path& where, const std::string& expected,
                           const std::string& found, const std::string& remedy) {
    const std::string difference = unlike(folder, top, {where.string(), expected, found, remedy});
    fs::remove(odd);
    return difference;
  };
  const std::string out = "take it out of the data set";
  REQUIRE(::mkfifo(odd.c_str(), 0600) == 0);
  CHECK(refused(odd, "a file", "a pipe, socket or device", out) == "");
  fs::create_symlink("nothing.png", odd);
  CHECK(refused(odd, "a file", "a link to nothing", out) == "");
  fs::create_symlink("2.png", odd);
  CHECK(refused(odd, "a readable folder", "Too many levels of symbolic links", "check its") == "");
  fs::create_directory(odd);
  CHECK(refused(top.string() + ": train/a/2.png", "images in a class folder", "a folder", kMove) ==
        "");
  fs::create_symlink("1.png", odd);
  CHECK(load_dataset(top, 8).train.count() == 3);
  fs::remove(odd);
  fs::create_directory_symlink("..", top / "train/a/up");
  CHECK(unlike(folder, top,
               {top.string() + ": train/a/up", "images in a class folder", "a folder", kMove}) ==
        "");
  fs::remove(top / "train/a/up");
  fs::create_directories(top / "1/2/3/4/5/6/7");
  CHECK(unlike(folder, top,
               {(top / "1/2/3/4/5/6/7").string(), "at most 6 levels of folders", "more",
                "is there a link to a folder above?"}) == "");
}

TEST_CASE("files and folders that can't be read are refused in four parts", "[supernet][data]") {
  const TempFolder folder;
  for (const auto& [name, bytes] : good()) folder.write("t/" + name, bytes);
  const auto tar = folder.write("a.tar", archive_bytes(good(), "ustar", "none"));
  for (const auto& entry : fs::recursive_directory_iterator(folder.path()))
    fs::permissions(entry.path(), fs::perms::all);
  fs::permissions(folder.path(), fs::perms::all);
  struct AsNobody {  // root may read everything
    bool changed = ::geteuid() == 0 && ::seteuid(65534) == 0;
    ~AsNobody() {
      if (changed && ::seteuid(0) != 0) std::abort();
    }
  };
  const auto denied = [&](const fs::path& odd, const fs::path& path, const std::string& expected) {
    fs::permissions(odd, fs::perms::none);
    std::string difference;
    {
      const AsNobody nobody;
      difference = unlike({odd.string(), expected, "Permission denied", "check its permissions"},
                          ExitCode::input, [&] { load_dataset(path, 8); });
    }
    fs::permissions(odd, fs::perms::all);
    return difference;
  };
  CHECK(denied(tar, tar, "a file that can be read") == "");
  CHECK(denied(folder / "t/train/a/1.png", folder / "t", "a file that can be read") == "");
  CHECK(denied(folder / "t/train/a", folder / "t", "a readable folder") == "");
}
