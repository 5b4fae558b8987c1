#pragma once

/// Field numbers and constants of onnx.proto (github.com/onnx/onnx, IR version 8) that the writer
/// and the reader share: one namespace per message.
namespace lathe::supernet::onnx {

namespace model {
constexpr int ir_version = 1, producer_name = 2, producer_version = 3, graph = 7, opset_import = 8,
              metadata_props = 14;
}
namespace opset {
constexpr int domain = 1, version = 2;
}
namespace entry {  // StringStringEntryProto
constexpr int key = 1, value = 2;
}
namespace graph {
constexpr int node = 1, name = 2, initializer = 5, input = 11, output = 12;
}
namespace node {
constexpr int input = 1, output = 2, name = 3, op_type = 4, attribute = 5;
}
namespace attribute {
constexpr int name = 1, f = 2, i = 3, ints = 8, type = 20;
constexpr int type_float = 1, type_int = 2, type_ints = 7;
}  // namespace attribute
namespace tensor {
constexpr int dims = 1, data_type = 2, name = 8, raw_data = 9;
constexpr int type_float = 1, type_int64 = 7;
}  // namespace tensor
namespace value_info {
constexpr int name = 1, type = 2;
}
namespace type {
constexpr int tensor_type = 1;
}
namespace tensor_type {
constexpr int elem_type = 1, shape = 2;
}
namespace shape {
constexpr int dim = 1;
}
namespace dimension {
constexpr int value = 1;
}

}  // namespace lathe::supernet::onnx
