#include "supernet/data/dataset.hpp"

#include "spaces/base/error.hpp"
#include "tests/supernet/image_files.hpp"
#include "tests/support/catch.hpp"

#include <cstdlib>
#include <set>

using namespace lathe;
using namespace lathe::supernet;
using namespace lathe::test;

namespace {

using Members = std::vector<std::pair<std::string, std::string>>;

/// Loads the members from a tar archive; the words of the error, or "loaded".
std::string refusal(const Members& members, int image_size = 8) {
  const TempFolder folder;
  const auto file = folder.write("a.tar", archive_bytes(members, "ustar", "none"));
  try {
    load_dataset(file, image_size);
  } catch (const FormatError& error) {
    return error.what();
  }
  return "loaded";
}

Members with(Members members, const std::string& name, const std::string& bytes) {
  members.emplace_back(name, bytes);
  return members;
}

/// A CIFAR record of one colour.
std::string record(int label, int red, int green, int blue) {
  std::string bytes(1, static_cast<char>(label));
  for (const int value : {red, green, blue}) bytes += std::string(1024, static_cast<char>(value));
  return bytes;
}

Members cifar_members() {
  Members members;
  for (int i = 1; i <= 5; ++i)
    members.emplace_back("cifar-10-batches-bin/data_batch_" + std::to_string(i) + ".bin",
                         record(i, 10 * i, 1, 2) + record(0, 3, 4, 5));
  for (int label = 6; label < 10; ++label) members.back().second += record(label, 9, 9, 9);
  members.emplace_back("cifar-10-batches-bin/test_batch.bin", record(9, 200, 100, 50));
  for (int label = 0; label < 9; ++label) members.back().second += record(label, 9, 9, 9);
  return members;
}

}  // namespace

TEST_CASE("the excerpt has 5,000 training and 1,000 test images of 10 classes",
          "[supernet][data]") {
  const Dataset data = load_dataset("tests/data/cifar10-excerpt.tar.gz", 32);
  CHECK(data.classes == std::vector<std::string>{"airplane", "automobile", "bird", "cat", "deer",
                                                 "dog", "frog", "horse", "ship", "truck"});
  CHECK(data.train.count() == 5000);
  CHECK(data.test.count() == 1000);
  CHECK(data.train.names.front() == "train/airplane/0000.jpg");
  CHECK(data.train.labels.front() == 0);
  CHECK(data.test.names.back() == "test/truck/0099.jpg");
  CHECK(data.test.labels.back() == 9);
  CHECK(data.train.pixels.size() == std::size_t(5000) * 32 * 32 * 3);
}

TEST_CASE("folder, tar, tar.gz and zip of the same images are the same data set",
          "[supernet][data]") {
  const TempFolder folder;
  const Members members = toy_members(3, 4, 2, 8);
  for (const auto& [name, bytes] : members) folder.write("tree/" + name, bytes);
  Members nested;
  for (const auto& [name, bytes] : members) nested.emplace_back("top/deep/" + name, bytes);
  nested.emplace_back("top/README.txt", "hello");
  nested.emplace_back("top/deep/train/.DS_Store", "x");
  const std::uint64_t tree = load_dataset(folder.path() / "tree", 8).fingerprint();
  const auto tar = folder.write("a.tar", archive_bytes(members, "ustar", "none"));
  const auto gz = folder.write("a.tar.gz", archive_bytes(nested, "ustar", "gzip"));
  const auto zip =
      folder.write("a.zip", archive_bytes({members.rbegin(), members.rend()}, "zip", "none"));
  CHECK(load_dataset(tar, 8).fingerprint() == tree);
  CHECK(load_dataset(gz, 8).fingerprint() == tree);
  CHECK(load_dataset(zip, 8).fingerprint() == tree);
  CHECK(load_dataset(tar, 4).fingerprint() != tree);
}

TEST_CASE("val/ is taken where there is no test/, and .jpeg or .JPG are images",
          "[supernet][data]") {
  const std::string png = noise_png(8, 100, 1);
  const Members members = {
      {"train/a/1.JPG", png}, {"train/b/1.jpeg", png}, {"val/a/1.png", png}, {"val/b/1.png", png}};
  const TempFolder folder;
  const auto file = folder.write("a.tar", archive_bytes(members, "ustar", "none"));
  const Dataset data = load_dataset(file, 8);
  CHECK(data.test.names == std::vector<std::string>{"val/a/1.png", "val/b/1.png"});
}

TEST_CASE("CIFAR's binary batches are read plane by plane", "[supernet][data]") {
  const TempFolder folder;
  const auto file = folder.write("c.tar.gz", archive_bytes(cifar_members(), "ustar", "gzip"));
  Dataset data = load_dataset(file, 32);
  REQUIRE(data.train.count() == 14);
  CHECK(data.classes[9] == "9");
  CHECK(data.train.labels == std::vector<int>{1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 7, 8, 9});
  CHECK(data.train.names[2] == "data_batch_2.bin/0");
  const std::uint8_t* pixel = data.train.image(2) + 3 * 777;
  CHECK(int(pixel[0]) == 20);
  CHECK(int(pixel[1]) == 1);
  CHECK(int(pixel[2]) == 2);
  CHECK(int(data.test.image(0)[0]) == 200);

  for (const auto& [name, bytes] : cifar_members()) folder.write("plain/" + name, bytes);
  CHECK(load_dataset(folder.path() / "plain", 32).fingerprint() == data.fingerprint());
  // Names out of alphabetical order: the labels follow.
  folder.write("plain/batches.meta.txt", "zebra\nb\nc\nd\ne\nf\ng\nh\ni\na\n\n");
  data = load_dataset(folder.path() / "plain", 32);
  CHECK(data.classes.front() == "a");
  CHECK(data.train.labels[1] == 9);
  CHECK(data.test.labels[0] == 0);
}

TEST_CASE("CIFAR batches that are not whole are refused by name", "[supernet][data]") {
  Members members = cifar_members();
  members.erase(members.begin() + 2);
  CHECK_THAT(refusal(members), ContainsSubstring("a.tar: expected data_batch_1.bin to") &&
                                   ContainsSubstring("got no data_batch_3.bin"));
  members = cifar_members();
  members[4].second.pop_back();
  CHECK_THAT(refusal(members),
             ContainsSubstring("data_batch_5.bin: expected records of 3073 bytes, "
                               "got 18437 bytes in all"));
  members = cifar_members();
  members[0].second[0] = 10;
  CHECK_THAT(refusal(members),
             ContainsSubstring("data_batch_1.bin/0: expected a label from 0 to 9, got 10"));
  CHECK_THAT(refusal(with(cifar_members(), "data_batch_6.bin", "x")),
             ContainsSubstring("data_batch_6.bin") && ContainsSubstring("another batch"));
  CHECK_THAT(
      refusal(with(cifar_members(), "batches.meta.txt", "a\nb\n")),
      ContainsSubstring("the names of 10 classes") && ContainsSubstring("got 2 different of 2"));
  CHECK_THAT(refusal(with(cifar_members(), "train/a/1.png", noise_png(8, 9, 1))),
             ContainsSubstring("either train/CLASS/ or data_batch_1.bin, got both"));
  CHECK_THAT(refusal(cifar_members(), 64),
             ContainsSubstring("data.image_size of at most 32 (CIFAR-10), got 64"));
}

TEST_CASE("a data set that is not whole is refused by name", "[supernet][data]") {
  const std::string png = noise_png(8, 100, 1);
  const Members good = {
      {"train/a/1.png", png}, {"train/b/1.png", png}, {"test/a/1.png", png}, {"test/b/1.png", png}};
  CHECK(refusal(good) == "loaded");
  CHECK_THAT(
      refusal({{"x/readme", "hi"}}),
      ContainsSubstring("expected train/CLASS/ with images") && ContainsSubstring("got neither"));
  CHECK_THAT(refusal({good[0], good[1]}),
             ContainsSubstring("expected either test/ or val/ beside train/, got neither"));
  CHECK_THAT(refusal(with(good, "val/a/1.png", png)), ContainsSubstring("beside train/, got both"));
  CHECK_THAT(refusal(with(good, "train/c/", "")),
             ContainsSubstring("a.tar: train/c: expected at least one image, got none"));
  CHECK_THAT(refusal(with(good, "test/c/1.png", png)), ContainsSubstring("class c in test alone"));
  CHECK_THAT(refusal(with(good, "train/c/1.png", png)),
             ContainsSubstring("class c in train alone"));
  CHECK_THAT(refusal({good[0], good[2]}), ContainsSubstring("at least two classes, got 1"));
  CHECK_THAT(refusal(with(good, "train/a/x/2.png", png)),
             ContainsSubstring(
                 "train/a/x/2.png: expected images in train/CLASS/, got an image elsewhere"));
  CHECK_THAT(refusal(with(good, "train/2.png", png)), ContainsSubstring("an image elsewhere"));
  CHECK_THAT(refusal(with(good, "b.png", png)), ContainsSubstring("an image elsewhere"));
  CHECK_THAT(refusal(with(good, "train/a/notes.txt", "hi")),
             ContainsSubstring("train/a/notes.txt") && ContainsSubstring("another kind of file"));
  CHECK_THAT(refusal(with(good, "other/train/a/2.png", png)),
             ContainsSubstring("one data set, in \"\", got another in \"other/\""));
  CHECK_THAT(refusal(with(good, "train/a/1.png", png)),
             ContainsSubstring("one image of that name"));
  CHECK_THAT(refusal(with(good, "train/../1.png", png)), ContainsSubstring("\"..\""));
  CHECK_THAT(refusal(with(good, "train/a/l.png", "->1.png")),
             ContainsSubstring("a link or special file"));
  CHECK_THAT(refusal(with(good, "train/a/2.png", "no image")),
             ContainsSubstring("train/a/2.png: expected a JPEG or PNG"));
  CHECK_THAT(refusal(with(good, "train/a/2.png", noise_png(7, 9, 1))),
             ContainsSubstring("train/a/2.png: expected at least 8 pixels a side") &&
                 ContainsSubstring("got 7 x 7"));
}

TEST_CASE("a path that is no data set is refused by name", "[supernet][data]") {
  const TempFolder folder;
  CHECK_THROWS_WITH(load_dataset(folder.write("a.tar.gz", "plain text"), 8),
                    ContainsSubstring("a.tar.gz: expected a folder or an archive"));
  CHECK_THROWS_WITH(load_dataset(folder.path() / "a.tar.gx", 8),
                    ContainsSubstring("a.tar.gx") && ContainsSubstring("a.tar.gz"));
  CHECK_THROWS_AS(load_dataset(folder.write("empty.tar", ""), 8), FormatError);
  CHECK_THROWS_AS(load_dataset(folder.path(), 8), FormatError);
}

TEST_CASE("a compressed archive cut anywhere is refused", "[supernet][data][property]") {
  const TempFolder folder;
  const std::string whole = archive_bytes(toy_members(2, 2, 1, 8), "ustar", "gzip");
  for (std::size_t size = 0; size < whole.size(); size += 97) {
    INFO("cut to " << size << " of " << whole.size());
    CHECK_THROWS_AS(load_dataset(folder.write("cut.tar.gz", whole.substr(0, size)), 8),
                    FormatError);
  }
}

TEST_CASE("the validation part takes the same number of every class, by seed", "[supernet][data]") {
  const TempFolder folder;
  const auto file = folder.write("a.tar", archive_bytes(toy_members(3, 10, 1, 8), "ustar", "none"));
  const Dataset data = load_dataset(file, 8);
  const Split split =
      split_train(data.train, data.classes, 4, 7, "t.json: /data/validation_per_class");
  CHECK(split.train.size() == 18);
  REQUIRE(split.validation.size() == 12);
  std::vector<int> per_class(3);
  for (const int i : split.validation) ++per_class[std::size_t(data.train.labels[std::size_t(i)])];
  CHECK(per_class == std::vector<int>{4, 4, 4});
  std::set<int> all(split.train.begin(), split.train.end());
  all.insert(split.validation.begin(), split.validation.end());
  CHECK(all.size() == 30);
  CHECK(split_train(data.train, data.classes, 4, 7, "").validation == split.validation);
  CHECK(split_train(data.train, data.classes, 4, 8, "").validation != split.validation);
  CHECK_THROWS_WITH(
      split_train(data.train, data.classes, 10, 7, "t.json: /data/validation_per_class"),
      ContainsSubstring("t.json: /data/validation_per_class: expected fewer validation "
                        "images than the 10 training images of class c0, got 10"));
}

TEST_CASE("mean and deviation are the population's, of the images asked for", "[supernet][data]") {
  Images images;
  images.size = 1;
  images.pixels = {0, 51, 102, 255, 102, 204, 7, 7, 7};
  images.labels = {0, 1, 1};
  const ChannelStatistics s = channel_statistics(images, {0, 1}, "x");
  CHECK(s.mean[0] == Approx(0.5));
  CHECK(s.deviation[0] == Approx(0.5));
  CHECK(s.mean[1] == Approx(0.3));
  CHECK(s.deviation[1] == Approx(0.1));
  CHECK_THROWS_WITH(channel_statistics(images, {2}, "x.tar"),
                    ContainsSubstring("x.tar: expected images that differ"));
}

TEST_CASE("the full CIFAR-10 archive has the published mean and deviation",
          "[supernet][data][slow]") {
  const char* folder = std::getenv("LATHE_SHARED_DATA");
  const std::filesystem::path file =
      std::filesystem::path(folder ? folder : "../shared/data") / "cifar10.tar.gz";
  if (!std::filesystem::exists(file)) {
    WARN("skipped: no " << file);
    return;
  }
  const Dataset data = load_dataset(file, 32);
  std::vector<int> all;
  for (int i = 0; i < data.train.count(); ++i) all.push_back(i);
  const ChannelStatistics s = channel_statistics(data.train, all, file.string());
  CHECK(data.train.count() == 50000);
  CHECK(data.test.count() == 10000);
  const std::array<double, 3> mean = {0.491, 0.483, 0.447}, deviation = {0.246, 0.243, 0.262};
  for (std::size_t c = 0; c < 3; ++c) {
    CHECK(s.mean[c] == Approx(mean[c]).margin(0.0015));
    CHECK(s.deviation[c] == Approx(deviation[c]).margin(0.0015));
  }
}
