#pragma once

#include "spaces/base/event.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace lathe::cli {

/// CRC-32C (Castagnoli), as RFC 3720, appendix B.4 tests it.
std::uint32_t crc32c(std::string_view bytes);

/// One record of a TFRecord file: the length, its masked CRC-32C, the data, its masked CRC-32C
/// (tensorflow/core/lib/io/record_writer.h).
std::string tfrecord(std::string_view data);

/// One point of a curve.
struct Scalar {
  std::string tag;  ///< the curve's name; what stands before a slash groups curves
  double value = 0;
};

/// An event file as TensorBoard reads it. A folder gets a new one for every session, numbered so
/// that they sort in order whatever the clock says; older ones are never touched.
class EventFile {
 public:
  /// TensorBoard forgets what older files say of `first_step` and later ones: this session does
  /// those steps again. Throws ResourceError.
  EventFile(const std::filesystem::path& folder, std::int64_t first_step);
  ~EventFile();
  EventFile(const EventFile&) = delete;
  EventFile& operator=(const EventFile&) = delete;

  /// Throws ResourceError.
  void add(std::int64_t step, const std::vector<Scalar>& scalars);

 private:
  void append(std::string_view event) const;

  std::filesystem::path file_;
  int descriptor_ = -1;
};

/// Draws the curves of a training from its events, and hands everything on. The files begin with
/// the event train.start; each train.epoch is a point.
class TensorboardSink final : public EventSink {
 public:
  /// Both outlive this. The folder is made when there is something to write.
  TensorboardSink(EventSink& next, std::filesystem::path folder);

  void event(const Event& event) override;
  void progress(const Progress& progress) override { next_.progress(progress); }
  bool stop_requested() const override { return next_.stop_requested(); }

 private:
  EventSink& next_;
  std::filesystem::path folder_;
  std::mutex mutex_;
  std::unique_ptr<EventFile> file_;
};

}  // namespace lathe::cli
