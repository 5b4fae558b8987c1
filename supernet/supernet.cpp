#include "supernet/supernet.hpp"

#include "spaces/base/error.hpp"
#include "supernet/subnet.hpp"

#include <torch/torch.h>

namespace lathe::supernet {

SupernetImpl::SupernetImpl(const Slots& slots)
    : slots_(register_slots(*this, slots)), norm_epsilon_(slots.norm_epsilon) {}

SupernetImpl::SupernetImpl(const Slots& slots, const Rng& rng) : SupernetImpl(slots) {
  initialise(slots_, rng);
}

SupernetImpl::SupernetImpl(const spaces::SearchSpace& space) : SupernetImpl(slots_of(space)) {}

SupernetImpl::SupernetImpl(const spaces::SearchSpace& space, const Rng& rng)
    : SupernetImpl(slots_of(space), rng) {}

torch::Tensor SupernetImpl::forward(const torch::Tensor& images, const spaces::NetworkSpec& active,
                                    const ForwardOptions& options) const {
  require_images(images, active.input);
  const std::vector<spaces::NetworkOp> ops = spaces::lower(active);
  Execution execution;
  execution.norm = is_training() ? Execution::Norm::batch : Execution::Norm::running;
  execution.epsilon = norm_epsilon_;
  execution.options = options;
  return execute(ops, parameters_of(*this, active, ops), images, execution).flatten(1);
}

std::vector<const OpParameters*> parameters_of(const SupernetImpl& supernet,
                                               const spaces::NetworkSpec& net,
                                               const std::vector<spaces::NetworkOp>& ops) {
  std::vector<const OpParameters*> result;
  for (const spaces::NetworkOp& op : ops) {
    result.push_back(nullptr);
    if (!spaces::has_weights(op.op)) continue;
    const int index = net.blocks[static_cast<std::size_t>(op.block)].slot;
    LATHE_CHECK(index >= 0 && std::size_t(index) < supernet.slots().size(),
                "the network has a slot " + std::to_string(index) + ", the supernet " +
                    std::to_string(supernet.slots().size()) + " slots");
    const ElasticSlot& slot = supernet.slots()[static_cast<std::size_t>(index)];
    const std::string where = slot.name + "." + op.op.name;
    const ElasticOp* const elastic = slot.find(op.op.name);
    if (!elastic)
      throw ConfigError(Problem{where, "an op of the supernet's slot " + slot.name, "none", ""});
    require_slice(*elastic, op.op, where);
    result.back() = &elastic->parameters;
  }
  return result;
}

bool has_weight_decay(std::string_view name) {
  const auto ends_with = [&](std::string_view end) {
    return name.size() >= end.size() && name.substr(name.size() - end.size()) == end;
  };
  return !ends_with(".bias") && !ends_with(".norm.weight");
}

}  // namespace lathe::supernet
