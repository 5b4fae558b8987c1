#include "supernet/data/dataset.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/hash.hpp"
#include "supernet/data/file_source.hpp"
#include "supernet/data/image.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

namespace lathe::supernet {
namespace fs = std::filesystem;
namespace {

const std::string kWhole = "is the data set whole?";
const std::string kMove = "move it, or take it out of the data set";

[[noreturn]] void refuse(const std::string& where, const std::string& expected,
                         const std::string& found, const std::string& remedy = "") {
  throw FormatError(Problem{where, expected, found, remedy});
}

std::string lower_extension(const std::string& name) {
  std::string extension = fs::path(name).extension().string();
  for (char& c : extension) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return extension;
}

bool is_image(const std::string& name) {
  const std::string extension = lower_extension(name);
  return extension == ".jpg" || extension == ".jpeg" || extension == ".png";
}

bool is_split(const std::string& part) {
  return part == "train" || part == "test" || part == "val";
}

/// One image before all are put in order.
struct Item {
  std::string split, label, name;
  std::vector<std::uint8_t> pixels;
};

/// Everything seen in one pass; the layout is known only at the end.
struct Found {
  std::string path;
  int image_size = 0;
  std::string top;  ///< folder that all of train/, test/ lie in
  std::map<std::string, std::set<std::string>> folders;  ///< split -> class folders
  std::vector<Item> items;
  std::map<std::string, std::string> binary;  ///< CIFAR's own files, by name
  std::int64_t bytes = 0;
};

void count_bytes(Found& found, std::size_t more) {
  found.bytes += std::int64_t(more);
  if (found.bytes > kMaxPixelBytes)
    refuse(found.path, "at most " + std::to_string(kMaxPixelBytes >> 30) + " GiB of pixels", "more",
           "choose a smaller data.image_size");
}

bool is_cifar_file(const std::string& name) {
  return name == "test_batch.bin" || name == "batches.meta.txt" ||
         (name.rfind("data_batch_", 0) == 0 && lower_extension(name) == ".bin");
}

void add_image(Found& found, const SourceEntry& entry, const std::vector<std::string>& parts) {
  const std::string where = found.path + ": " + entry.name;
  const Image image = decode_image(entry.bytes(), where);
  if (std::min(image.height, image.width) < found.image_size)
    refuse(where,
           "at least " + std::to_string(found.image_size) + " pixels a side (data.image_size)",
           std::to_string(image.width) + " x " + std::to_string(image.height),
           "images are never enlarged: choose a smaller data.image_size");
  const std::size_t n = parts.size();
  found.items.push_back({parts[n - 3], parts[n - 2],
                         parts[n - 3] + "/" + parts[n - 2] + "/" + parts[n - 1],
                         centre_square(image, found.image_size).pixels});
  count_bytes(found, found.items.back().pixels.size());
}

/// Where in the name the split stands, or -1; refuses a second top folder.
int split_at(Found& found, const std::vector<std::string>& parts) {
  const auto at = std::find_if(parts.begin(), parts.end(), is_split);
  if (at == parts.end()) return -1;
  const std::string top = std::accumulate(parts.begin(), at, std::string(),
                                          [](auto a, const auto& b) { return a + b + "/"; });
  if (found.folders.empty()) found.top = top;
  if (top != found.top)
    refuse(found.path, "one data set, in \"" + found.top + "\"", "another in \"" + top + "\"",
           kMove);
  return static_cast<int>(at - parts.begin());
}

void visit_entry(Found& found, const SourceEntry& entry) {
  const std::vector<std::string> parts = split_name(entry.name);
  if (!entry.is_folder && is_cifar_file(parts.back())) {
    if (!found.binary.emplace(parts.back(), entry.bytes()).second)
      refuse(found.path + ": " + entry.name, "one file of that name", "a second one", kMove);
    return;
  }
  const int split = split_at(found, parts);
  const int below = static_cast<int>(parts.size()) - 1 - split;  // 1: the class folder
  const std::string where = found.path + ": " + entry.name;
  if (split < 0) {
    if (!entry.is_folder && is_image(entry.name))
      refuse(where, "images in train/CLASS/, test/CLASS/ or val/CLASS/", "an image elsewhere",
             kMove);
    return;
  }
  auto& classes = found.folders[parts[std::size_t(split)]];
  if (below >= 2 || (below == 1 && entry.is_folder)) classes.insert(parts[std::size_t(split) + 1]);
  if (entry.is_folder) {
    if (below > 1) refuse(where, "images in a class folder", "a folder", kMove);
  } else if (!is_image(entry.name)) {
    refuse(where, "a .jpg, .jpeg or .png in a class folder", "another kind of file", kMove);
  } else if (below != 2) {
    refuse(where, "images in " + parts[std::size_t(split)] + "/CLASS/", "an image elsewhere",
           kMove);
  } else {
    add_image(found, entry, parts);
  }
}

Images gather(Found& found, const std::string& split, const std::vector<std::string>& classes) {
  Images images;
  images.size = found.image_size;
  for (Item& item : found.items) {
    if (item.split != split) continue;
    const auto label = std::lower_bound(classes.begin(), classes.end(), item.label);
    images.labels.push_back(static_cast<int>(label - classes.begin()));
    images.names.push_back(std::move(item.name));
    images.pixels.insert(images.pixels.end(), item.pixels.begin(), item.pixels.end());
    item.pixels = {};
  }
  return images;
}

void check_classes(const Found& found, const std::string& held_out) {
  std::set<std::pair<std::string, std::string>> filled;
  for (const Item& item : found.items) filled.emplace(item.split, item.label);
  const auto& train = found.folders.at("train");
  const auto& test = found.folders.at(held_out);
  for (const auto& [split, classes] : found.folders)
    for (const std::string& label : classes)
      if (filled.count({split, label}) == 0)
        refuse(found.path + ": " + split + "/" + label, "at least one image", "none", kWhole);
  for (const std::string& label : train)
    if (test.count(label) == 0)
      refuse(found.path, "the same classes in train and " + held_out,
             "class " + label + " in train alone", kWhole);
  for (const std::string& label : test)
    if (train.count(label) == 0)
      refuse(found.path, "the same classes in train and " + held_out,
             "class " + label + " in " + held_out + " alone", kWhole);
  if (train.size() < 2)
    refuse(found.path, "at least two classes", std::to_string(train.size()), kWhole);
}

Dataset from_folders(Found& found) {
  if (found.folders.count("train") == 0)
    refuse(found.path, "train/CLASS/ with images, or CIFAR-10's data_batch_1.bin", "neither",
           "docs/train-a-supernet.md has both layouts");
  const bool has_test = found.folders.count("test") != 0, has_val = found.folders.count("val") != 0;
  if (has_test == has_val)
    refuse(found.path, "either test/ or val/ beside train/", has_test ? "both" : "neither",
           "the validation part is cut from train/ (data.validation_per_class)");
  const std::string held_out = has_test ? "test" : "val";
  check_classes(found, held_out);
  std::sort(found.items.begin(), found.items.end(),
            [](const Item& a, const Item& b) { return a.name < b.name; });
  for (std::size_t i = 1; i < found.items.size(); ++i)
    if (found.items[i].name == found.items[i - 1].name)
      refuse(found.path + ": " + found.items[i].name, "one image of that name", "a second one",
             kMove);
  Dataset data;
  data.classes.assign(found.folders["train"].begin(), found.folders["train"].end());
  data.train = gather(found, "train", data.classes);
  data.test = gather(found, held_out, data.classes);
  return data;
}

// CIFAR-10's binary version: a label byte, then 32 x 32 bytes of red, of green, of blue
// (Krizhevsky's page on the data set).
constexpr int kCifarSide = 32, kCifarClasses = 10, kCifarBatches = 5;
constexpr std::size_t kCifarPlane = kCifarSide * kCifarSide, kCifarRecord = 1 + 3 * kCifarPlane;

std::vector<std::string> cifar_names(const Found& found) {
  std::vector<std::string> names;
  const auto file = found.binary.find("batches.meta.txt");
  if (file == found.binary.end()) {
    for (int i = 0; i < kCifarClasses; ++i) names.push_back(std::to_string(i));
    return names;
  }
  std::string line;
  for (const char c : file->second + "\n") {
    if (c != '\n') {
      if (c != '\r') line += c;
    } else if (!line.empty()) {
      names.push_back(std::move(line));
      line.clear();
    }
  }
  const std::set<std::string> different(names.begin(), names.end());
  if (names.size() != kCifarClasses || different.size() != names.size())
    refuse(found.path + ": batches.meta.txt", "the names of 10 classes, one a line, all different",
           std::to_string(different.size()) + " different of " + std::to_string(names.size()),
           kWhole);
  for (const std::string& name : names) check_name(found.path + ": batches.meta.txt", name);
  return names;
}

void add_batch(const Found& found, const std::string& file, const std::vector<int>& rank,
               Images& images) {
  const std::string where = found.path + ": " + file;
  const std::string& bytes = found.binary.at(file);
  if (bytes.empty() || bytes.size() % kCifarRecord != 0)
    refuse(where, "records of 3073 bytes", std::to_string(bytes.size()) + " bytes in all",
           "is it CIFAR-10's binary version, and whole?");
  for (std::size_t at = 0; at < bytes.size(); at += kCifarRecord) {
    const auto* record = reinterpret_cast<const std::uint8_t*>(bytes.data()) + at;
    const std::string name = file + "/" + std::to_string(at / kCifarRecord);
    if (record[0] >= kCifarClasses)
      refuse(found.path + ": " + name, "a label from 0 to 9", std::to_string(record[0]),
             "is it CIFAR-10's binary version, and whole?");
    Image image{kCifarSide, kCifarSide, {}};
    for (std::size_t p = 0; p < kCifarPlane; ++p)
      for (std::size_t c = 0; c < 3; ++c) image.pixels.push_back(record[1 + c * kCifarPlane + p]);
    image = centre_square(image, found.image_size);
    images.labels.push_back(rank[record[0]]);
    images.names.push_back(name);
    images.pixels.insert(images.pixels.end(), image.pixels.begin(), image.pixels.end());
  }
}

/// As of folders: every class has images in both parts.
void check_labels(const Found& found, const Dataset& data) {
  for (const auto* part : {&data.train, &data.test})
    for (std::size_t c = 0; c < data.classes.size(); ++c)
      if (std::find(part->labels.begin(), part->labels.end(), static_cast<int>(c)) ==
          part->labels.end())
        refuse(found.path + (part == &data.train ? ": data_batch_1.bin to data_batch_5.bin"
                                                 : ": test_batch.bin"),
               "at least one image of class " + data.classes[c], "none", kWhole);
}

Dataset from_binary(const Found& found) {
  if (!found.folders.empty())
    refuse(found.path, "either train/CLASS/ or data_batch_1.bin", "both", kMove);
  if (found.image_size > kCifarSide)
    refuse(found.path, "data.image_size of at most 32 (CIFAR-10)", std::to_string(found.image_size),
           "images are never enlarged");
  std::vector<std::string> files;
  for (int i = 1; i <= kCifarBatches; ++i)
    files.push_back("data_batch_" + std::to_string(i) + ".bin");
  files.push_back("test_batch.bin");
  for (const std::string& file : files)
    if (found.binary.count(file) == 0)
      refuse(found.path, "data_batch_1.bin to data_batch_5.bin and test_batch.bin", "no " + file,
             kWhole);
  for (const auto& [name, bytes] : found.binary)
    if (name != "batches.meta.txt" && std::find(files.begin(), files.end(), name) == files.end())
      refuse(found.path + ": " + name, "data_batch_1.bin to data_batch_5.bin", "another batch",
             kMove);
  const std::vector<std::string> names = cifar_names(found);
  Dataset data;
  data.classes = names;
  std::sort(data.classes.begin(), data.classes.end());
  std::vector<int> rank;
  for (const std::string& name : names)
    rank.push_back(static_cast<int>(
        std::lower_bound(data.classes.begin(), data.classes.end(), name) - data.classes.begin()));
  data.train.size = data.test.size = found.image_size;
  for (const std::string& file : files)
    add_batch(found, file, rank, file == "test_batch.bin" ? data.test : data.train);
  check_labels(found, data);
  return data;
}

}  // namespace

std::uint64_t Dataset::fingerprint() const {
  std::string text;
  for (const std::string& label : classes) text += label + "\n";
  for (const Images* images : {&train, &test}) {
    text += std::to_string(images->size) + "\n";
    for (std::size_t i = 0; i < images->names.size(); ++i)
      text += images->names[i] + " " + std::to_string(images->labels[i]) + "\n";
    const auto* bytes = reinterpret_cast<const char*>(images->pixels.data());
    text += hex(fingerprint_of({bytes, images->pixels.size()})) + "\n";
  }
  return fingerprint_of(text);
}

Dataset load_dataset(const fs::path& path, int image_size) {
  return load_dataset(path, image_size, [&](const auto& visit) { visit_files(path, visit); });
}

Dataset load_dataset(const fs::path& path, int image_size, const FileSource& source) {
  LATHE_CHECK(image_size > 0, "image_size " + std::to_string(image_size));
  Found found;
  found.path = path.string();
  found.image_size = image_size;
  source([&](const SourceEntry& entry) { visit_entry(found, entry); });
  return found.binary.empty() ? from_folders(found) : from_binary(found);
}

Split split_train(const Images& train, const std::vector<std::string>& classes,
                  int validation_per_class, std::uint64_t seed, const std::string& where) {
  std::vector<std::vector<int>> members(classes.size());
  for (int i = 0; i < train.count(); ++i)
    members[std::size_t(train.labels[std::size_t(i)])].push_back(i);
  Split split;
  for (std::size_t c = 0; c < classes.size(); ++c) {
    const int count = static_cast<int>(members[c].size());
    if (count <= validation_per_class)
      throw ConfigError(Problem{where,
                                "fewer validation images than the " + std::to_string(count) +
                                    " training images of class " + classes[c],
                                std::to_string(validation_per_class), ""});
    Rng rng = Rng(seed).stream("data/validation", c);
    rng.shuffle(members[c]);
    const auto cut = members[c].begin() + validation_per_class;
    split.validation.insert(split.validation.end(), members[c].begin(), cut);
    split.train.insert(split.train.end(), cut, members[c].end());
  }
  std::sort(split.train.begin(), split.train.end());
  std::sort(split.validation.begin(), split.validation.end());
  return split;
}

ChannelStatistics channel_statistics(const Images& images, const std::vector<int>& indices,
                                     const std::string& where) {
  LATHE_CHECK(!indices.empty(), "no images");
  const std::size_t pixels = std::size_t(images.size) * std::size_t(images.size);
  // Whole numbers: exact, whatever the order. 2^63 / 255^2 pixels fit.
  std::array<std::uint64_t, 3> sum{}, squares{};
  for (const int index : indices) {
    const std::uint8_t* pixel = images.image(index);
    for (std::size_t p = 0; p < pixels; ++p)
      for (std::size_t c = 0; c < 3; ++c, ++pixel) {
        sum[c] += *pixel;
        squares[c] += std::uint64_t(*pixel) * *pixel;
      }
  }
  ChannelStatistics statistics;
  const double count = double(pixels) * double(indices.size());
  for (std::size_t c = 0; c < 3; ++c) {
    const double mean = double(sum[c]) / count;
    const double variance = double(squares[c]) / count - mean * mean;
    if (!(variance > 1e-6))
      refuse(where, "images that differ", "one value in all of channel " + std::to_string(c),
             kWhole);
    statistics.mean[c] = mean / 255.0;
    statistics.deviation[c] = std::sqrt(variance) / 255.0;
  }
  return statistics;
}

}  // namespace lathe::supernet
