#pragma once

#include "spaces/base/run_dir.hpp"
#include "spaces/base/units.hpp"
#include "spaces/block.hpp"
#include "supernet/export/onnx_writer.hpp"
#include "supernet/export/verify.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lathe::supernet {

/// One deployment file beside the sidecar, and how it did when it was read again and run.
struct ExportedFile {
  std::string name;    ///< "model.onnx"
  std::string format;  ///< "onnx", "torchscript"
  std::int64_t bytes = 0;
  std::string sha256;
  Verification verification;
};
/// Size and hash of `file`, named as in its folder. FormatError if it can't be read.
ExportedFile exported_file(const std::filesystem::path& file, const std::string& format,
                           const Verification& verification);

/// What a latency budget was, what the table said and what the device took; any may be unknown.
struct ExportLatency {
  std::string table;                           ///< its name in the search
  std::string device, engine, engine_version;  ///< what the table was measured with
  std::optional<Micros> budget, predicted;
  std::optional<Micros> measured;  ///< median of whole-network runs
  std::optional<Micros> measured_p90;
};

struct ExportAccuracy {
  double accuracy = 0;  ///< fraction in [0, 1]
  std::string split;    ///< "val", "test"
  int images = 0;
};

/// Everything that someone who deploys the files needs to know, and what made them: model.json,
/// of which the ONNX file carries a part. docs/file-formats/onnx-metadata.md describes both.
struct ExportRecord {
  std::vector<ExportedFile> files;
  spaces::Shape input;                  ///< with batch 1 in front, NCHW
  std::vector<double> mean, deviation;  ///< per channel, of pixels in [0, 1]
  std::vector<std::string> classes;     ///< in the order of the logits
  std::string space;                    ///< "tiny", "ofa-mbv3:width=1.2"
  std::uint64_t space_fingerprint = 0;
  std::string network;    ///< one-line text
  std::string decisions;  ///< JSON object: "decisions" of spaces::to_json(space, architecture)
  std::int64_t macs = 0, params = 0, peak_activation_bytes = 0;
  std::vector<ExportLatency> latencies;  ///< one per device; empty: nothing is known
  std::optional<ExportAccuracy> accuracy;
  std::string train_run, search_run;  ///< names of the folders, not their paths; empty: none
  std::uint64_t seed = 0;
  std::string date;  ///< UTC, as utc_now()
  Build build = build_info();
};

/// The record's part that the ONNX file carries as metadata_props ("lathe.network", ...), as texts;
/// what is unknown is left out.
OnnxMetadata onnx_metadata(const ExportRecord& record);

nlohmann::json to_json(const ExportRecord& record);
/// Writes sidecar JSON, format "lathe.export". Only for files whose verification passed: LogicError
/// otherwise.
void save_sidecar(const ExportRecord& record, const std::filesystem::path& file);
/// Throws FormatError for anything that is not a sidecar of ours of this version.
ExportRecord load_sidecar(const std::filesystem::path& file);
/// The same for the text of a file, named `file` in messages.
ExportRecord parse_sidecar(std::string_view text, const std::filesystem::path& file);

}  // namespace lathe::supernet
