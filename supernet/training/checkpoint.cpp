#include "supernet/training/checkpoint.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/file_io.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <set>

namespace lathe::supernet {
namespace fs = std::filesystem;
namespace {

constexpr const char* kFolder = "checkpoints";
const std::string kOptimizer = "optimizer.";
const std::string kOther = "it is of another space, or damaged";

[[noreturn]] void refuse(const std::string& where, const std::string& expected,
                         const std::string& found,
                         const std::string& remedy = "restore it from a copy") {
  throw FormatError(Problem{where, expected, found, remedy});
}

std::string text_of(at::IntArrayRef shape) {
  std::string text = "[";
  for (const std::int64_t n : shape) text += (text.size() > 1 ? "," : "") + std::to_string(n);
  return text + "]";
}

/// Parameters and buffers by name.
std::vector<std::pair<std::string, at::Tensor>> tensors_of(const SupernetImpl& supernet) {
  std::vector<std::pair<std::string, at::Tensor>> all;
  for (const auto& item : supernet.named_parameters()) all.emplace_back(item.key(), item.value());
  for (const auto& item : supernet.named_buffers()) all.emplace_back(item.key(), item.value());
  return all;
}

/// Collects tensors as bytes; keeps copies where the tensor's own memory will not do.
struct Collector {
  TensorFile content;
  std::vector<at::Tensor> kept;
  const fs::path& file;

  void add(const std::string& name, const at::Tensor& tensor) {
    LATHE_CHECK(tensor.scalar_type() == at::kFloat, name + " is no float32");
    const at::Tensor plain = tensor.detach().to(at::kCPU).contiguous();
    if (!at::isfinite(plain).all().item<bool>())
      throw CheckFailed(
          file.string() + ": expected finite numbers in " + name +
          ", got NaN or infinity; nothing was written, the checkpoint before is intact");
    kept.push_back(plain);
    content.tensors.push_back({name,
                               "F32",
                               plain.sizes().vec(),
                               {static_cast<const char*>(plain.data_ptr()), plain.nbytes()}});
  }
};

/// Copies the stored tensor into `target`, which says shape and type.
void copy_into(const StoredTensor& stored, const at::Tensor& target, const std::string& file) {
  const std::string where = file + ": " + stored.name;
  if (stored.type != "F32") refuse(where, "type F32", stored.type, kOther);
  if (at::IntArrayRef(stored.shape) != target.sizes())
    refuse(where, "shape " + text_of(target.sizes()), text_of(stored.shape), kOther);
  const torch::NoGradGuard no_grad;
  const at::Tensor copy = at::empty(target.sizes(), at::kFloat);
  std::copy(stored.bytes.begin(), stored.bytes.end(), static_cast<char*>(copy.data_ptr()));
  if (!at::isfinite(copy).all().item<bool>()) refuse(where, "finite numbers", "NaN or infinity");
  target.copy_(copy);
}

bool is_checkpoint_name(const std::string& name) {
  const std::string end = ".safetensors";
  return name.size() >= 6 + end.size() && name.substr(name.size() - end.size()) == end &&
         std::all_of(name.begin(), name.end() - std::ptrdiff_t(end.size()),
                     [](char c) { return c >= '0' && c <= '9'; });
}

/// File names in the run's folder of checkpoints, by step.
std::vector<std::string> checkpoints_in(const fs::path& run_folder) {
  std::vector<std::string> names;
  const fs::path folder = run_folder / kFolder;
  std::error_code error;
  if (!fs::exists(fs::symlink_status(folder, error))) return names;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    if (is_checkpoint_name(it->path().filename().string()))
      names.push_back(it->path().filename().string());
  if (error)
    refuse(folder.string(), "a folder that can be read", error.message(), "check its permissions");
  std::sort(names.begin(), names.end(), [](const std::string& a, const std::string& b) {
    return a.size() != b.size() ? a.size() < b.size() : a < b;
  });
  return names;
}

}  // namespace

void save_checkpoint(const fs::path& file, const CheckpointIdentity& identity,
                     const SupernetImpl& supernet, const Sgd& sgd, const TrainState& state) {
  Collector collector{{}, {}, file};
  for (const auto& [name, tensor] : tensors_of(supernet)) collector.add(name, tensor);
  for (std::size_t i = 0; i < sgd.names.size(); ++i)
    if (sgd.momentum_of[i].defined()) collector.add(kOptimizer + sgd.names[i], sgd.momentum_of[i]);
  collector.content.metadata = checkpoint_metadata(identity, state);
  NewFolder folder(file.parent_path());
  write_safetensors(file, collector.content);
  folder.keep();
}

void load_weights(const Checkpoint& checkpoint, SupernetImpl& supernet) {
  std::set<std::string> known;
  for (const auto& [name, tensor] : tensors_of(supernet)) {
    known.insert(name);
    const StoredTensor* stored = checkpoint.tensors.find(name);
    if (!stored) refuse(checkpoint.file, "the tensor " + name, "none", kOther);
    copy_into(*stored, tensor, checkpoint.file);
  }
  for (const StoredTensor& stored : checkpoint.tensors.tensors) {
    const bool momentum = stored.name.rfind(kOptimizer, 0) == 0;
    if (known.count(momentum ? stored.name.substr(kOptimizer.size()) : stored.name) == 0)
      refuse(checkpoint.file, "tensors of " + checkpoint.identity.space + " alone",
             quote(stored.name), kOther);
  }
}

void load_momentum(const Checkpoint& checkpoint, Sgd& sgd) {
  for (std::size_t i = 0; i < sgd.names.size(); ++i) {
    const StoredTensor* stored = checkpoint.tensors.find(kOptimizer + sgd.names[i]);
    sgd.momentum_of[i] = stored ? at::empty_like(sgd.parameters[i]) : at::Tensor();
    if (stored) copy_into(*stored, sgd.momentum_of[i], checkpoint.file);
  }
}

std::optional<std::string> newest_checkpoint(const fs::path& run_folder) {
  const std::vector<std::string> names = checkpoints_in(run_folder);
  if (names.empty()) return std::nullopt;
  return std::string(kFolder) + "/" + names.back();
}

void remove_other_checkpoints(const fs::path& run_folder, const std::vector<std::string>& keep) {
  for (const std::string& name : checkpoints_in(run_folder)) {
    const std::string relative = std::string(kFolder) + "/" + name;
    if (std::find(keep.begin(), keep.end(), relative) == keep.end())
      remove_file(run_folder / relative);
  }
}

}  // namespace lathe::supernet
