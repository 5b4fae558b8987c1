#include "search/cli/tensorboard.hpp"

#include "spaces/base/error.hpp"
#include "supernet/export/protobuf.hpp"
#include "tests/cli/program.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/recording_sink.hpp"

#include <cstring>

using namespace lathe;
using namespace lathe::cli;
using namespace std::string_literals;
using lathe::test::read_text;
using lathe::test::TemporaryFolder;
using supernet::ProtobufField;
using supernet::ProtobufReader;

namespace {

std::uint64_t number_at(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < size; ++i)
    number |= std::uint64_t(static_cast<unsigned char>(bytes[at + i])) << (8 * i);
  return number;
}

/// The records' data, framing checked against tfrecord itself, which is tested by known bytes.
std::vector<std::string> records(const std::string& file) {
  std::vector<std::string> all;
  for (std::size_t at = 0; at < file.size();) {
    const std::string data = file.substr(at + 12, number_at(file, at, 8));
    REQUIRE(file.substr(at, data.size() + 16) == tfrecord(data));
    all.push_back(data);
    at += data.size() + 16;
  }
  return all;
}

std::vector<ProtobufField> fields(std::string_view message) {
  ProtobufReader reader(message, "event");
  std::vector<ProtobufField> all;
  for (ProtobufField field; reader.next(field);) all.push_back(field);
  return all;
}

float float_of(std::uint64_t bits) {
  const auto narrow = static_cast<std::uint32_t>(bits);
  float value = 0;
  std::memcpy(&value, &narrow, sizeof value);
  return value;
}

/// What a record of a summary says, "tag=value" for each curve, after its step.
std::string summary_text(std::string_view record) {
  const auto event = fields(record);
  REQUIRE(event.size() == 3);
  CHECK(event[0].number == 1);
  CHECK(event[0].wire == ProtobufField::Wire::fixed64);
  CHECK(event[1].number == 2);
  CHECK(event[2].number == 5);
  std::string text = std::to_string(event[1].value);
  for (const ProtobufField& value : fields(event[2].bytes)) {
    CHECK(value.number == 1);
    const auto parts = fields(value.bytes);
    REQUIRE(parts.size() == 2);
    CHECK(parts[0].number == 1);
    CHECK(parts[1].number == 2);
    text += " " + std::string(parts[0].bytes) + "=" + std::to_string(float_of(parts[1].value));
  }
  return text;
}

void epoch(EventSink& sink, int step, double loss) {
  const nlohmann::json fields = {{"step", step},
                                 {"loss", loss},
                                 {"lr", 0.25},
                                 {"images_per_second", 512},
                                 {"accuracy", {{"largest", 0.5}, {"smallest", 0.125}}}};
  sink.event({Level::info, "train.epoch", fields});
}

void start(EventSink& sink, int step) {
  const nlohmann::json fields = {{"step", step}};
  sink.event({Level::info, "train.start", fields});
}

}  // namespace

TEST_CASE("CRC-32C gives the values of RFC 3720, B.4", "[cli][tensorboard]") {
  CHECK(crc32c("123456789") == 0xe3069283u);
  CHECK(crc32c(std::string(32, '\0')) == 0x8a9136aau);
  CHECK(crc32c(std::string(32, '\xff')) == 0x62a8ab43u);
  std::string rising;
  for (char byte = 0; byte < 32; ++byte) rising.push_back(byte);
  CHECK(crc32c(rising) == 0x46dd794eu);
  CHECK(crc32c("") == 0);
}

TEST_CASE("a record has the bytes that TensorBoard's own writer gives it", "[cli][tensorboard]") {
  // tensorboard 2.21's RecordWriter on b"abc".
  CHECK(tfrecord("abc") == "\x03\0\0\0\0\0\0\0"s + "\xb0\x99\x49\x0e" + "abc" + "\x6e\x57\xf1\x21");
}

TEST_CASE("each epoch is a point of every curve", "[cli][tensorboard]") {
  const TemporaryFolder folder;
  test::RecordingSink next;
  {
    TensorboardSink sink(next, folder / "curves");
    start(sink, 0);
    epoch(sink, 5, 2.5);
    epoch(sink, 10, 1.5);
  }
  CHECK(next.events().size() == 3);  // all of it goes on
  const auto all = records(read_text(folder / "curves/events.out.tfevents.000001.lathe"));
  REQUIRE(all.size() == 4);
  const auto version = fields(all[0]);
  REQUIRE(version.size() == 2);
  CHECK(version[1].number == 3);
  CHECK(version[1].bytes == "brain.Event:2");
  CHECK(summary_text(all[2]) ==
        "5 loss=2.500000 lr=0.250000 images_per_second=512.000000 accuracy/largest=0.500000 "
        "accuracy/smallest=0.125000");
  CHECK_THAT(summary_text(all[3]), ContainsSubstring("10 loss=1.500000"));
}

TEST_CASE("a resumed training replaces the steps that it does again", "[cli][tensorboard]") {
  const TemporaryFolder folder;
  test::RecordingSink next;
  for (const int begin : {0, 7}) {
    TensorboardSink sink(next, folder / "curves");
    start(sink, begin);
    epoch(sink, 10, 1.5);
  }
  const auto first = records(read_text(folder / "curves/events.out.tfevents.000001.lathe"));
  const auto second = records(read_text(folder / "curves/events.out.tfevents.000002.lathe"));
  CHECK(first.size() == 3);
  REQUIRE(second.size() == 3);
  const auto begin = fields(second[1]);
  REQUIRE(begin.size() == 3);
  CHECK(begin[1].number == 2);
  CHECK(begin[1].value == 8);  // seven steps stand; the eighth comes again
  CHECK(begin[2].number == 7);
  CHECK(begin[2].bytes == "\x08\x01");  // status: START
}

TEST_CASE("curves that can't be written are an error that names the file", "[cli][tensorboard]") {
  const TemporaryFolder folder;
  lathe::test::write_text(folder / "curves", "a file");
  test::RecordingSink next;
  TensorboardSink sink(next, folder / "curves");
  CHECK_THROWS_WITH(start(sink, 0), ContainsSubstring((folder / "curves").string()));
}
