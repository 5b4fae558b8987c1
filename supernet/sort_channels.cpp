#include "supernet/sort_channels.hpp"

#include "spaces/base/error.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <numeric>
#include <set>

namespace lathe::supernet {
namespace {

using spaces::Op;
using torch::Tensor;

/// Which ops of a slot hold the channels between "expand" and "project".
struct MiddleOps {
  std::set<std::string> channelwise;  ///< depthwise convolutions on them
  bool squeeze_excite = false;
  bool sortable = false;  ///< every choice expands, and none is grouped
};

MiddleOps middle_ops(const ElasticSlot& slot) {
  MiddleOps result;
  for (const spaces::BlockSpec& choice : slot.choices) {
    const std::vector<Op> ops = spaces::lower(choice);
    const auto named = [&](const char* name) {
      return std::find_if(ops.begin(), ops.end(), [&](const Op& op) { return op.name == name; });
    };
    const auto expand = named("expand"), project = named("project");
    if (expand == ops.end() || project == ops.end()) return {};
    if (expand->groups > 1 || project->groups > 1) return {};
    result.sortable = true;
    for (auto op = expand + 1; op < project; ++op) {
      if (spaces::is_depthwise(*op)) result.channelwise.insert(op->name);
      result.squeeze_excite |= op->name == "se.reduce";
    }
  }
  return result;
}

/// Indices by importance, largest first, within the groups that end at each of `widths`.
Tensor order_of(const Tensor& importance, const std::vector<int>& widths) {
  const Tensor values = importance.to(torch::kCPU, torch::kDouble).contiguous();
  const double* const value = values.const_data_ptr<double>();
  std::vector<std::int64_t> order(static_cast<std::size_t>(values.numel()));
  std::iota(order.begin(), order.end(), std::int64_t(0));
  std::size_t begin = 0;
  const auto sort_until = [&](std::size_t end) {
    std::stable_sort(order.begin() + std::ptrdiff_t(begin), order.begin() + std::ptrdiff_t(end),
                     [&](std::int64_t a, std::int64_t b) { return value[a] > value[b]; });
    begin = end;
  };
  for (const int width : widths)
    sort_until(std::clamp(static_cast<std::size_t>(width), begin, order.size()));
  sort_until(order.size());
  return torch::tensor(order, torch::kLong).to(importance.device());
}

void permute(const Tensor& tensor, std::int64_t dimension, const Tensor& order) {
  if (tensor.defined()) tensor.copy_(tensor.index_select(dimension, order));
}

/// Everything that belongs to the op's output channels.
void permute_outputs(const OpParameters& p, const Tensor& order) {
  for (const Tensor& tensor : {p.weight, p.bias, p.gamma, p.beta, p.mean, p.variance})
    permute(tensor, 0, order);
}

/// L1 norm of what an op reads each input channel with.
Tensor input_importance(const OpParameters& p) {
  return p.weight.abs().sum({0, 2, 3}, false, torch::kDouble);
}

void sort_slot(const ElasticSlot& slot, const TrainedWidths& trained) {
  const MiddleOps middle = middle_ops(slot);
  if (!middle.sortable) return;
  const auto parameters = [&](const std::string& name) -> const OpParameters& {
    const ElasticOp* const op = slot.find(name);
    LATHE_CHECK(op != nullptr, slot.name + " has no " + name);
    return op->parameters;
  };
  const Tensor order = order_of(input_importance(parameters("project")), trained.mid);
  permute(parameters("project").weight, 1, order);
  permute_outputs(parameters("expand"), order);
  for (const std::string& name : middle.channelwise) permute_outputs(parameters(name), order);
  if (!middle.squeeze_excite) return;
  const OpParameters &reduce = parameters("se.reduce"), &expand = parameters("se.expand");
  permute(reduce.weight, 1, order);
  permute_outputs(expand, order);
  const Tensor hidden = order_of(input_importance(expand), trained.hidden);
  permute(expand.weight, 1, hidden);
  permute_outputs(reduce, hidden);
}

/// Calls visit for every combination of the listed decisions' open choices.
void for_each_combination(spaces::Architecture& arch, const std::vector<int>& decisions,
                          const std::vector<std::vector<int>>& open, std::size_t next,
                          const std::function<void()>& visit) {
  if (next == decisions.size()) return visit();
  const auto decision = static_cast<std::size_t>(decisions[next]);
  for (const int choice : open[decision]) {
    arch.genes[decision] = static_cast<std::uint8_t>(choice);
    for_each_combination(arch, decisions, open, next + 1, visit);
  }
}

void add_widths(const spaces::BlockSpec& block, TrainedWidths& widths) {
  for (const Op& op : spaces::lower(block)) {
    if (op.name == "expand") widths.mid.push_back(op.out.channels);
    if (op.name == "se.reduce") widths.hidden.push_back(op.out.channels);
  }
}

void sort_unique(std::vector<int>& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

}  // namespace

std::vector<TrainedWidths> trained_widths(const spaces::SearchSpace& space,
                                          const std::vector<std::vector<int>>& open) {
  LATHE_CHECK(open.size() == space.decisions().size(), "one list of choices a decision");
  std::vector<TrainedWidths> result(static_cast<std::size_t>(space.slots()));
  spaces::Architecture arch;
  for (const std::vector<int>& choices : open) {
    LATHE_CHECK(!choices.empty(), "a decision without an open choice");
    arch.genes.push_back(static_cast<std::uint8_t>(choices.front()));
  }
  for (int position = 0; position < space.positions(); ++position) {
    spaces::Architecture at = arch;
    for_each_combination(at, space.depends_on(position), open, 0, [&] {
      if (const auto placed = space.placed_at(at, position))
        add_widths(placed->block, result[static_cast<std::size_t>(placed->slot)]);
    });
  }
  for (TrainedWidths& widths : result) sort_unique(widths.mid), sort_unique(widths.hidden);
  return result;
}

void sort_channels(SupernetImpl& supernet, const std::vector<TrainedWidths>& trained) {
  const torch::NoGradGuard no_grad;
  LATHE_CHECK(trained.size() == supernet.slots().size(), "one entry of trained widths a slot");
  for (std::size_t slot = 0; slot < trained.size(); ++slot)
    sort_slot(supernet.slots()[slot], trained[slot]);
}

}  // namespace lathe::supernet
