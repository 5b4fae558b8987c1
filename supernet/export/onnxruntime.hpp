#pragma once

#include "spaces/base/program_folder.hpp"
#include "spaces/block.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lathe::supernet {

/// ONNX Runtime's shared library, or nullopt. Looks at, in this order: beside the program
/// (libonnxruntime.so*), in the Python environment .venv of `program_folder` and of every folder
/// above it (.venv/lib/python3*/site-packages/onnxruntime/capi/), and where the system's loader
/// looks (then the result is a bare name). Of several files the last in alphabetical order.
std::optional<std::filesystem::path> find_onnxruntime(
    const std::filesystem::path& folder = program_folder());

/// One line that says where find_onnxruntime looked and how to get the library.
std::string onnxruntime_search_text(const std::filesystem::path& folder = program_folder());

/// The version that a library of find_onnxruntime says it has, "1.31.1"; opens the library, which
/// stays open. Throws MissingEntry where it is no ONNX Runtime.
std::string onnxruntime_version(const std::filesystem::path& library);

/// An ONNX file with one float input and one float output, loaded by ONNX Runtime (CPU, one thread,
/// all graph optimisations). The library is opened at run time through its C interface; no header
/// or link of it is needed. Not thread-safe.
class OnnxRuntimeModel {
 public:
  /// Throws MissingEntry where the library can't be opened or is no ONNX Runtime, and FormatError
  /// with the file's name and ONNX Runtime's own words where it refuses the model.
  OnnxRuntimeModel(const std::filesystem::path& library, const std::filesystem::path& model);
  ~OnnxRuntimeModel();
  OnnxRuntimeModel(OnnxRuntimeModel&&) noexcept;
  OnnxRuntimeModel& operator=(OnnxRuntimeModel&&) noexcept;

  /// "1.31.1".
  const std::string& version() const;
  /// Of the file's input, 1 x channels x height x width.
  spaces::Shape input() const;
  /// image: channels x height x width. Returns all values of the output. Throws FormatError with
  /// ONNX Runtime's words.
  std::vector<float> run(const std::vector<float>& image);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lathe::supernet
