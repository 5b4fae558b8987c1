#include "search/cli/tensorboard.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/file_io.hpp"
#include "supernet/export/protobuf.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

namespace lathe::cli {
namespace {

namespace fs = std::filesystem;
using supernet::ProtobufWriter;

const std::string kPrefix = "events.out.tfevents.";  // TensorBoard looks for "tfevents"

// Field numbers of tensorflow/core/util/event.proto and framework/summary.proto.
constexpr int kEventWallTime = 1, kEventStep = 2, kEventFileVersion = 3, kEventSummary = 5,
              kEventSessionLog = 7;
constexpr int kSummaryValue = 1, kValueTag = 1, kValueSimpleValue = 2;
constexpr int kSessionLogStatus = 1, kSessionStart = 1;

constexpr std::array<std::uint32_t, 256> crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < table.size(); ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78u : 0u);
    table[byte] = crc;
  }
  return table;
}

template <typename Number>
std::string little_endian(Number number) {
  std::string bytes;
  for (std::size_t i = 0; i < sizeof number; ++i)
    bytes.push_back(static_cast<char>(number >> (8 * i)));
  return bytes;
}

/// The mask keeps the CRC of data that holds CRCs from being degenerate.
std::string masked_crc(std::string_view bytes) {
  const std::uint32_t crc = crc32c(bytes);
  return little_endian(((crc >> 15) | (crc << 17)) + 0xa282ead8u);
}

ProtobufWriter event_now() {
  const std::chrono::duration<double> time = std::chrono::system_clock::now().time_since_epoch();
  ProtobufWriter event;
  event.real64(kEventWallTime, time.count());
  return event;
}

/// One more than the highest number of the files that are there.
int next_number(const fs::path& folder) {
  int highest = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.rfind(kPrefix, 0) == 0)
      highest = std::max(highest, std::atoi(name.c_str() + kPrefix.size()));
  }
  return highest + 1;
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  constexpr std::array<std::uint32_t, 256> table = crc_table();
  std::uint32_t crc = 0xffffffffu;
  for (const char byte : bytes)
    crc = (crc >> 8) ^ table[(crc ^ static_cast<unsigned char>(byte)) & 0xffu];
  return ~crc;
}

std::string tfrecord(std::string_view data) {
  const std::string length = little_endian(static_cast<std::uint64_t>(data.size()));
  return length + masked_crc(length) + std::string(data) + masked_crc(data);
}

EventFile::EventFile(const fs::path& folder, std::int64_t first_step) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw_unwritable(folder, error.value());
  char number[16];
  std::snprintf(number, sizeof number, "%06d", next_number(folder));
  file_ = folder / (kPrefix + number + ".lathe");
  descriptor_ = open_file(file_, O_WRONLY | O_CREAT | O_EXCL | O_APPEND, 0666);
  if (descriptor_ < 0) throw_unwritable(file_, errno);
  ProtobufWriter version = event_now();
  version.bytes(kEventFileVersion, "brain.Event:2");
  ProtobufWriter log;
  log.integer(kSessionLogStatus, kSessionStart);
  ProtobufWriter start = event_now();
  start.integer(kEventStep, first_step);
  start.message(kEventSessionLog, log);
  append(version.str());
  append(start.str());
}

EventFile::~EventFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

void EventFile::append(std::string_view event) const {
  if (!write_all(descriptor_, tfrecord(event))) throw_unwritable(file_, errno);
}

void EventFile::add(std::int64_t step, const std::vector<Scalar>& scalars) {
  ProtobufWriter summary;
  for (const Scalar& scalar : scalars) {
    ProtobufWriter value;
    value.bytes(kValueTag, scalar.tag);
    value.real(kValueSimpleValue, static_cast<float>(scalar.value));
    summary.message(kSummaryValue, value);
  }
  ProtobufWriter event = event_now();
  event.integer(kEventStep, step);
  event.message(kEventSummary, summary);
  append(event.str());
}

TensorboardSink::TensorboardSink(EventSink& next, fs::path folder)
    : next_(next), folder_(std::move(folder)) {}

void TensorboardSink::event(const Event& event) {
  next_.event(event);
  const std::lock_guard<std::mutex> lock(mutex_);
  if (event.name == "train.start") {
    file_ = std::make_unique<EventFile>(folder_, event.fields.at("step").get<std::int64_t>() + 1);
  } else if (event.name == "train.epoch" && file_ != nullptr) {
    std::vector<Scalar> scalars;
    for (const char* tag : {"loss", "lr", "images_per_second"})
      scalars.push_back({tag, event.fields.at(tag).get<double>()});
    for (const auto& [probe, accuracy] : event.fields.at("accuracy").items())
      scalars.push_back({"accuracy/" + probe, accuracy.get<double>()});
    file_->add(event.fields.at("step").get<std::int64_t>(), scalars);
  }
}

}  // namespace lathe::cli
