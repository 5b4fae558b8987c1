#include "supernet/export/onnxruntime.hpp"

#include "spaces/base/error.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <dlfcn.h>
#include <utility>

namespace lathe::supernet {
namespace {

namespace fs = std::filesystem;

/// Opaque, as in onnxruntime_c_api.h.
using Handle = void*;
using Status = void*;

/// The first two members of OrtApiBase.
struct ApiBase {
  const void* (*get_api)(std::uint32_t version);
  const char* (*version_string)();
};

/// Positions in OrtApi, a table of function pointers that only ever grows at its end; all of these
/// are in version 1. Counted in onnxruntime_c_api.h and tried with 1.30 and 1.31.
enum Position : std::size_t {
  get_error_message = 2,
  create_env = 3,
  create_session = 7,
  run_session = 9,
  create_session_options = 10,
  set_graph_optimization_level = 23,
  set_intra_op_threads = 24,
  set_inter_op_threads = 25,
  session_input_count = 30,
  session_output_count = 31,
  session_input_type = 33,
  session_input_name = 36,
  session_output_name = 37,
  create_tensor_with_data = 49,
  tensor_data = 51,
  type_to_tensor_info = 55,
  tensor_element_type = 60,
  tensor_rank = 61,
  tensor_dimensions = 62,
  tensor_element_count = 64,
  value_tensor_info = 65,
  allocator_free = 76,
  default_allocator = 78,
  create_cpu_memory = 69,
  release_env = 92,
  release_status = 93,
  release_memory = 94,
  release_session = 95,
  release_value = 96,
  release_type = 98,
  release_tensor_info = 99,
  release_session_options = 100,
};

constexpr std::uint32_t kApiVersion = 1;
constexpr int kLogNothingButFatal = 4;  // ORT_LOGGING_LEVEL_FATAL: libraries do not print
constexpr int kOptimizeAll = 99;        // ORT_ENABLE_ALL
constexpr int kElementFloat = 1;        // ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT
constexpr int kDeviceAllocator = 0, kDefaultMemory = 0;  // OrtDeviceAllocator, OrtMemTypeDefault

/// The library and its function table.
class Api {
 public:
  explicit Api(const fs::path& library) {
    library_ = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library_ == nullptr) {
      throw MissingEntry({library.string(), "ONNX Runtime's shared library", dlerror(), ""});
    }
    using GetBase = const ApiBase* (*)();
    const auto get_base = reinterpret_cast<GetBase>(dlsym(library_, "OrtGetApiBase"));
    if (get_base == nullptr) {
      throw MissingEntry({library.string(), "ONNX Runtime's shared library",
                          "a library without OrtGetApiBase", ""});
    }
    version_ = get_base()->version_string();
    table_ = static_cast<void* const*>(get_base()->get_api(kApiVersion));
    if (table_ == nullptr) {
      throw MissingEntry({library.string(), "ONNX Runtime with C interface 1",
                          "version " + version_ + " without it", ""});
    }
  }

  const std::string& version() const { return version_; }

  /// Calls a function that returns OrtStatus*; `where` names the file for its error.
  template <typename... Args>
  void call(Position position, const std::string& where, Args... args) const {
    const auto function = reinterpret_cast<Status (*)(Args...)>(table_[position]);
    const Status status = function(args...);
    if (status == nullptr) return;
    const auto message = reinterpret_cast<const char* (*)(Status)>(table_[get_error_message]);
    const std::string words = message(status);
    release(release_status, status);
    throw FormatError({where, "a model that ONNX Runtime " + version_ + " runs",
                       "its error \"" + words + "\"", ""});
  }

  void release(Position position, Handle handle) const {
    if (handle != nullptr) reinterpret_cast<void (*)(Handle)>(table_[position])(handle);
  }

 private:
  // Never closed: its worker threads and static state do not survive dlclose.
  void* library_ = nullptr;
  void* const* table_ = nullptr;
  std::string version_;
};

/// A handle of ONNX Runtime's that is released with its owner.
class Owned {
 public:
  Owned(const Api& api, Position release) : api_(&api), release_(release) {}
  ~Owned() { api_->release(release_, handle); }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  Handle handle = nullptr;

 private:
  const Api* api_;
  Position release_;
};

/// Files in `folder` whose names begin with libonnxruntime.so, or the last of them.
std::optional<fs::path> last_library(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().filename().string().rfind("libonnxruntime.so", 0) == 0) {
      found.push_back(entry.path());
    }
  }
  if (found.empty()) return std::nullopt;
  return *std::max_element(found.begin(), found.end());
}

/// In a Python environment: lib/python3*/site-packages/onnxruntime/capi.
std::optional<fs::path> library_of_environment(const fs::path& environment) {
  std::optional<fs::path> best;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(environment / "lib", error)) {
    if (entry.path().filename().string().rfind("python3", 0) != 0) continue;
    const auto found = last_library(entry.path() / "site-packages" / "onnxruntime" / "capi");
    if (found && (!best || *best < *found)) best = found;
  }
  return best;
}

}  // namespace

std::optional<fs::path> find_onnxruntime(const fs::path& folder) {
  if (auto found = last_library(folder)) return found;
  for (fs::path at = folder;; at = at.parent_path()) {
    if (auto found = library_of_environment(at / ".venv")) return found;
    if (at == at.parent_path()) break;
  }
  const char* const system_name = "libonnxruntime.so";
  if (void* library = dlopen(system_name, RTLD_LAZY | RTLD_LOCAL)) {
    dlclose(library);
    return system_name;
  }
  return std::nullopt;
}

std::string onnxruntime_search_text(const fs::path& folder) {
  return "libonnxruntime.so* is not in " + folder.string() +
         ", not in .venv/lib/python3*/site-packages/onnxruntime/capi there or in a folder above, "
         "and "
         "not where the system looks; `pip install onnxruntime` in .venv brings it";
}

std::string onnxruntime_version(const fs::path& library) { return Api(library).version(); }

struct OnnxRuntimeModel::State {
  Api api;
  std::string where;
  Owned env{api, release_env};
  Owned options{api, release_session_options};
  Owned session{api, release_session};
  Owned memory{api, release_memory};
  std::string input_name, output_name;
  spaces::Shape input;

  State(const fs::path& library, const fs::path& model) : api(library), where(model.string()) {
    // Asked before the library is, whose words for it name only the system's error number.
    if (!fs::is_regular_file(model)) throw FormatError({where, "an ONNX file", "no such file", ""});
    api.call(create_env, where, kLogNothingButFatal, "lathe", &env.handle);
    api.call(create_session_options, where, &options.handle);
    api.call(set_intra_op_threads, where, options.handle, 1);
    api.call(set_inter_op_threads, where, options.handle, 1);
    api.call(set_graph_optimization_level, where, options.handle, kOptimizeAll);
    api.call(create_session, where, env.handle, where.c_str(), options.handle, &session.handle);
    api.call(create_cpu_memory, where, kDeviceAllocator, kDefaultMemory, &memory.handle);
    read_signature();
  }

  std::string name(Position position) const {
    Handle allocator = nullptr;
    char* text = nullptr;
    api.call(default_allocator, where, &allocator);
    api.call(position, where, session.handle, std::size_t(0), allocator, &text);
    std::string copy = text;
    api.call(allocator_free, where, allocator, static_cast<void*>(text));
    return copy;
  }

  /// One input of 1 x C x H x W floats, one output.
  void read_signature() {
    std::size_t inputs = 0, outputs = 0;
    api.call(session_input_count, where, session.handle, &inputs);
    api.call(session_output_count, where, session.handle, &outputs);
    if (inputs != 1 || outputs != 1) {
      throw FormatError({where, "one input and one output",
                         std::to_string(inputs) + " and " + std::to_string(outputs), ""});
    }
    input_name = name(session_input_name);
    output_name = name(session_output_name);

    Owned type(api, release_type);
    api.call(session_input_type, where, session.handle, std::size_t(0), &type.handle);
    Handle info = nullptr;  // lives in `type`
    api.call(type_to_tensor_info, where, type.handle, &info);
    int element = 0;
    std::size_t rank = 0;
    if (info != nullptr) {
      api.call(tensor_element_type, where, info, &element);
      api.call(tensor_rank, where, info, &rank);
    }
    std::vector<std::int64_t> dims(rank);
    if (rank > 0) api.call(tensor_dimensions, where, info, dims.data(), rank);
    const bool fits = element == kElementFloat && rank == 4 && dims[0] == 1 &&
                      std::all_of(dims.begin(), dims.end(), [](std::int64_t d) { return d > 0; });
    if (!fits) {
      std::string found = "element type " + std::to_string(element) + ", size";
      for (const std::int64_t dim : dims) found += " " + std::to_string(dim);
      throw FormatError({where, "an input of 1 x channels x height x width floats", found, ""});
    }
    input = {static_cast<int>(dims[2]), static_cast<int>(dims[3]), static_cast<int>(dims[1])};
  }
};

OnnxRuntimeModel::OnnxRuntimeModel(const fs::path& library, const fs::path& model)
    : state_(std::make_unique<State>(library, model)) {}
OnnxRuntimeModel::~OnnxRuntimeModel() = default;
OnnxRuntimeModel::OnnxRuntimeModel(OnnxRuntimeModel&&) noexcept = default;
OnnxRuntimeModel& OnnxRuntimeModel::operator=(OnnxRuntimeModel&&) noexcept = default;

const std::string& OnnxRuntimeModel::version() const { return state_->api.version(); }
spaces::Shape OnnxRuntimeModel::input() const { return state_->input; }

std::vector<float> OnnxRuntimeModel::run(const std::vector<float>& image) {
  const State& s = *state_;
  const std::int64_t dims[4] = {1, s.input.channels, s.input.height, s.input.width};
  const auto size = static_cast<std::size_t>(dims[1] * dims[2] * dims[3]);
  LATHE_CHECK(image.size() == size, s.where + ": expected an image of " + std::to_string(size) +
                                        " values, got " + std::to_string(image.size()));
  std::vector<float> values = image;  // the interface wants it writable
  Owned input(s.api, release_value), output(s.api, release_value);
  s.api.call(create_tensor_with_data, s.where, s.memory.handle, static_cast<void*>(values.data()),
             values.size() * sizeof(float), static_cast<const std::int64_t*>(dims), std::size_t(4),
             kElementFloat, &input.handle);
  const char* input_name = s.input_name.c_str();
  const char* output_name = s.output_name.c_str();
  s.api.call(run_session, s.where, s.session.handle, Handle(nullptr), &input_name,
             static_cast<const Handle*>(&input.handle), std::size_t(1), &output_name,
             std::size_t(1), &output.handle);
  Owned info(s.api, release_tensor_info);
  std::size_t count = 0;
  float* data = nullptr;
  s.api.call(value_tensor_info, s.where, output.handle, &info.handle);
  s.api.call(tensor_element_count, s.where, info.handle, &count);
  s.api.call(tensor_data, s.where, output.handle, reinterpret_cast<void**>(&data));
  return {data, data + count};
}

}  // namespace lathe::supernet
