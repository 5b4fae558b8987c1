#include "spaces/base/error.hpp"
#include "spaces/space_data.hpp"

#include <algorithm>

namespace lathe::spaces {
namespace {

constexpr double kMaxChannels = 32768;

std::size_t at(int value) { return static_cast<std::size_t>(value); }

/// Channels under the width multiplier; refuses what no network has.
int scaled(const SpaceData& space, const StageTemplate& stage, double channels, double width) {
  const bool acts = space.file.width.has_value() && (stage.scaling == Scaling::always ||
                                                     (stage.scaling == Scaling::up && width > 1));
  const double result = acts ? rounded(space.file.width_rounding, channels * width) : channels;
  if (!(result <= kMaxChannels)) {
    throw ConfigError(Problem{"space " + space.source->base + ": width",
                              "a multiplier that leaves no layer wider than 32768 channels",
                              number_text(width), ""});
  }
  return static_cast<int>(result);
}

/// A mid width; larger than any network's becomes a size that problem_with refuses.
int mid_width(const SpaceData& space, int channels, double ratio) {
  return static_cast<int>(
      std::min(rounded(space.file.mid_rounding, channels * ratio), 2 * kMaxChannels));
}

int squeeze_width(const SpaceData& space, int in, int mid) {
  if (space.file.squeeze_rule == SqueezeRule::quarter_of_input) return std::max(1, in / 4);
  const int quarter = mid / 4;  // whole, as the sources' code has it
  return static_cast<int>(rounded(Rounding::make_divisible, quarter));
}

/// Fills a block's body from its template; `block` has input, output and stride already.
struct Instantiation {
  const SpaceData& space;
  const std::vector<std::uint8_t>& genes;
  const BlockTemplate& from;
  BlockSpec& block;

  int number(const Field& field) const { return static_cast<int>(value_of(space, field, genes)); }
  int mid() const {
    return mid_width(space, block.in[0].channels, value_of(space, from.expand, genes));
  }
  Squeeze squeeze(int mid) const {
    if (number(from.squeeze) == 0) return {};
    return {squeeze_width(space, block.in[0].channels, mid), space.file.squeeze_act,
            space.file.squeeze_gate};
  }
  void fill() const {
    block.act = from.act;
    const bool same = block.stride == 1 && block.in[0].channels == block.out_channels;
    if (from.shortcut == ShortcutRule::pooled) block.shortcut = Shortcut::pooled;
    if (from.shortcut == ShortcutRule::where_possible && same) block.shortcut = Shortcut::identity;
    switch (from.kind) {
      case BlockKind::conv:
        block.body = Conv{number(from.kernel), from.groups, from.norm, from.bias};
        return;
      case BlockKind::mbconv: {
        const bool expand = from.keep_expand || mid() != block.in[0].channels;
        block.body = MbConv{number(from.kernel), mid(), expand, squeeze(mid()), from.groups};
        return;
      }
      case BlockKind::fused:
        block.body = Fused{number(from.kernel), mid(), squeeze(mid())};
        return;
      case BlockKind::tucker:
        block.body =
            Tucker{number(from.kernel), mid(),
                   mid_width(space, block.out_channels, value_of(space, from.out_ratio, genes))};
        return;
      case BlockKind::universal:
        block.body = Universal{number(from.start_kernel), number(from.kernel), mid()};
        return;
      case BlockKind::pool:
        block.body = GlobalPool{};
        return;
      case BlockKind::linear:
        block.body = Linear{from.bias};
        return;
      case BlockKind::skip:
        break;
    }
    throw LogicError("a skip is no block");
  }
};

}  // namespace

double value_of(const SpaceData& space, const Field& field,
                const std::vector<std::uint8_t>& genes) {
  if (field.decision < 0) return field.choices[0];
  return space.decisions[at(field.decision)].choices[genes[at(field.decision)]].number;
}

Shape input_of(const SpaceData& space, const std::vector<std::uint8_t>& genes) {
  const int side = static_cast<int>(value_of(space, space.file.resolution, genes));
  return {side, side, 3};
}

std::optional<Placed> place(const SpaceData& space, const std::vector<std::uint8_t>& genes,
                            int position, const Shape& in) {
  const Site& site = space.sites[at(position)];
  const StageTemplate& stage = space.file.stages[at(site.stage)];
  if (site.index >= value_of(space, stage.depth, genes)) return std::nullopt;
  const std::size_t chosen = site.operator_decision < 0 ? 0 : genes[at(site.operator_decision)];
  const BlockTemplate* from = &site.operators[chosen].block;
  int slot = site.slots[chosen].block;
  Placed placed;
  placed.precision = space.precision;
  placed.block.in = {in};
  placed.block.stride = site.index == 0 ? stage.stride : 1;
  const bool decided_width = space.file.width && space.file.width->decision >= 0;
  const double width = decided_width ? value_of(space, *space.file.width, genes) : space.width;
  placed.block.out_channels = stage.out
                                  ? scaled(space, stage, value_of(space, *stage.out, genes), width)
                              : from->kind == BlockKind::linear ? space.classes
                                                                : in.channels;
  if (from->kind == BlockKind::skip) {
    if (placed.block.stride == 1 && placed.block.out_channels == in.channels) return std::nullopt;
    slot = site.slots[chosen].otherwise;
    LATHE_CHECK(slot >= 0, site.name + ": a skip would change the shape");
    from = &*site.operators[chosen].otherwise;
  }
  placed.slot = slot;
  Instantiation{space, genes, *from, placed.block}.fill();
  return placed;
}

std::vector<int> stage_decisions(const SpaceData& space, int stage) {
  const StageTemplate& from = space.file.stages[at(stage)];
  std::vector<int> all;
  if (from.depth.decision >= 0) all.push_back(from.depth.decision);
  if (from.out && from.out->decision >= 0) all.push_back(from.out->decision);
  return all;
}

}  // namespace lathe::spaces
