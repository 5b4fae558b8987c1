#pragma once

#include "supernet/export/graph.hpp"
#include "supernet/export/onnx_writer.hpp"

#include <string>
#include <string_view>

namespace lathe::supernet {

/// What read_onnx finds.
struct OnnxFile {
  Graph graph;  ///< folded; op names are the node names, as Graph::names
  OnnxMetadata metadata;
  std::string producer, producer_version;
};

/// The inverse of onnx_bytes: reads the networks that it writes, and no others (static float32
/// graphs of the operators listed there, weights inside the file). `where` names the file. Throws
/// FormatError naming the node and what is wrong with it.
OnnxFile read_onnx(std::string_view bytes, const std::string& where);

}  // namespace lathe::supernet
