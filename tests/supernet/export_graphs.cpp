#include "tests/supernet/export_graphs.hpp"

#include "spaces/base/rng.hpp"

#include <utility>

namespace lathe::supernet {
namespace {

using namespace spaces;

BlockSpec block(Shape in, int out, int stride, Act act, Shortcut shortcut,
                decltype(BlockSpec::body) body) {
  BlockSpec b;
  b.in = {in};
  b.out_channels = out;
  b.stride = stride;
  b.act = act;
  b.shortcut = shortcut;
  b.body = std::move(body);
  return b;
}

NamedGraph alone(const std::string& name, const BlockSpec& b) {
  return {name, random_graph(chain(b.in[0], {b}), numbered(1), 7)};
}

/// Pool and classifier behind a map, as every network ends.
NamedGraph with_head(const std::string& name, std::vector<BlockSpec> blocks) {
  const Shape input = blocks.front().in[0], map = output_shape(blocks.back());
  blocks.push_back(block(map, map.channels, 1, Act::none, Shortcut::none, GlobalPool{}));
  blocks.push_back(block({1, 1, map.channels}, 10, 1, Act::none, Shortcut::none, Linear{}));
  const NetworkSpec net = chain(input, std::move(blocks));
  return {name, random_graph(net, numbered(net.blocks.size()), 11)};
}

}  // namespace

NetworkSpec chain(const Shape& input, std::vector<BlockSpec> blocks) {
  NetworkSpec net;
  net.input = input;
  for (BlockSpec& b : blocks) {
    Placed placed;
    placed.slot = static_cast<int>(net.blocks.size());
    placed.block = std::move(b);
    net.blocks.push_back(std::move(placed));
  }
  return net;
}

std::vector<std::string> numbered(std::size_t slots) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < slots; ++i) names.push_back("b" + std::to_string(i));
  return names;
}

std::vector<std::string> slot_names(const SearchSpace& space) {
  std::vector<std::string> names;
  for (int slot = 0; slot < space.slots(); ++slot) names.push_back(space.slot_name(slot));
  return names;
}

SearchSpace load_space(const std::string& name) {
  return SearchSpace::load(parse_space_name(name), "configs");
}

Graph random_graph(const NetworkSpec& net, const std::vector<std::string>& names,
                   std::uint64_t seed) {
  std::vector<OpWeights> weights;
  for (const NetworkOp& op : lower(net)) {
    Rng rng = Rng(seed).stream("weights", weights.size());
    weights.push_back(random_weights(op.op, rng));
  }
  return make_graph(net, names, std::move(weights), 1e-5);
}

std::vector<float> random_image(const Shape& input, std::uint64_t seed) {
  Rng rng = Rng(seed).stream("image");
  std::vector<float> image(static_cast<std::size_t>(input.height * input.width * input.channels));
  for (float& value : image) value = static_cast<float>(rng.normal());
  return image;
}

std::vector<NamedGraph> block_graphs() {
  constexpr Shape k7{7, 7, 12}, k8{8, 6, 12};
  const Squeeze se{4, Act::relu, Act::hsigmoid}, swish_se{6, Act::swish, Act::sigmoid};
  std::vector<NamedGraph> all;
  for (const Act act :
       {Act::none, Act::relu, Act::relu6, Act::hswish, Act::swish, Act::hsigmoid, Act::sigmoid}) {
    all.push_back(alone("conv_" + std::string(name_of(act)),
                        block(k7, 16, 2, act, Shortcut::none, Conv{3, 1, true, false})));
  }
  all.push_back(alone("conv_grouped_bias",
                      block(k8, 8, 1, Act::relu, Shortcut::none, Conv{5, 4, false, true})));
  all.push_back(
      alone("conv_bare", block(k8, 8, 1, Act::none, Shortcut::none, Conv{1, 1, false, false})));
  all.push_back(alone("mbconv_identity", block(k8, 12, 1, Act::hswish, Shortcut::identity,
                                               MbConv{5, 36, true, se, 1})));
  all.push_back(alone("mbconv_no_expand",
                      block(k7, 20, 2, Act::relu6, Shortcut::none, MbConv{7, 12, false, {}, 1})));
  all.push_back(alone("mbconv_shuffle",
                      block(k8, 12, 1, Act::relu, Shortcut::identity, MbConv{3, 24, true, {}, 2})));
  all.push_back(alone("mbconv_swish_pooled_odd", block(k7, 20, 2, Act::swish, Shortcut::pooled,
                                                       MbConv{3, 24, true, swish_se, 1})));
  all.push_back(alone("mbconv_pooled_even",
                      block(k8, 12, 2, Act::swish, Shortcut::pooled, MbConv{3, 24, true, {}, 1})));
  all.push_back(alone("fused", block(k8, 12, 1, Act::relu6, Shortcut::identity, Fused{3, 24, se})));
  all.push_back(alone("tucker", block(k7, 16, 2, Act::relu6, Shortcut::none, Tucker{3, 8, 10})));
  all.push_back(alone("universal_both",
                      block(k7, 12, 1, Act::relu, Shortcut::identity, Universal{3, 5, 36})));
  all.push_back(
      alone("universal_start", block(k7, 16, 2, Act::relu, Shortcut::none, Universal{5, 0, 24})));
  all.push_back(
      alone("universal_none", block(k7, 16, 1, Act::relu, Shortcut::none, Universal{0, 0, 24})));
  all.push_back(with_head("head", {block(k8, 16, 2, Act::hswish, Shortcut::none, Conv{3})}));
  // A linear layer in the middle is a vector between maps.
  all.push_back(
      {"linear_then_conv",
       random_graph(
           chain({1, 1, 12},
                 {block({1, 1, 12}, 9, 1, Act::hswish, Shortcut::none, Linear{false}),
                  block({1, 1, 9}, 8, 1, Act::relu, Shortcut::none, Linear{}),
                  block({1, 1, 8}, 5, 1, Act::none, Shortcut::none, Conv{1, 1, false, true})}),
           numbered(3), 13)});
  return all;
}

std::vector<NamedGraph> network_graphs() {
  std::vector<NamedGraph> all;
  for (const char* name : {"tiny", "ofa-mbv3:resolution=64"}) {
    const SearchSpace space = load_space(name);
    const std::string base = parse_space_name(name).base;
    const auto add = [&](const std::string& which, const Architecture& arch) {
      all.push_back({base + "_" + which, random_graph(space.decode(arch), slot_names(space), 17)});
    };
    add("largest", space.largest());
    add("smallest", space.smallest());
  }
  for (const char* name : {"mobilenet-v2:resolution=64", "mobilenet-v3-small:resolution=64",
                           "mobilenet-v3-large:resolution=65"}) {
    const SearchSpace space = load_space(name);
    all.push_back({parse_space_name(name).base,
                   random_graph(space.decode(space.largest()), slot_names(space), 19)});
  }
  return all;
}

}  // namespace lathe::supernet
