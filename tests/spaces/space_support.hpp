#pragma once

#include "spaces/cost.hpp"
#include "spaces/network_text.hpp"
#include "spaces/search_space.hpp"

#include <string>
#include <vector>

namespace lathe::spaces {

/// A space of the repository's configs, as it would be typed.
inline SearchSpace load_space(const std::string& name) {
  return SearchSpace::load(parse_space_name(name), "configs");
}

/// MACs and parameters of a network, as it would be typed.
inline Count count_network(const std::string& space, const std::string& network,
                           const CountOptions& options = {}) {
  const NamedNetwork named = parse_network(load_space(space), network, "test");
  return count(named.space.decode(named.arch), options);
}

/// Every space that ships.
inline std::vector<std::string> shipped_spaces() { return list_spaces("configs"); }

/// A block with one input.
template <typename Body>
BlockSpec make_block(Shape in, int out, int stride, Act act, Shortcut shortcut, Body body) {
  BlockSpec block;
  block.in = {in};
  block.out_channels = out;
  block.stride = stride;
  block.act = act;
  block.shortcut = shortcut;
  block.body = body;
  return block;
}

}  // namespace lathe::spaces
