#pragma once

#include "latency/job.hpp"
#include "spaces/block.hpp"

#include <string>
#include <vector>

namespace lathe::test {

/// Blocks one after another, by key.
inline spaces::NetworkSpec network_of(const std::vector<std::string>& keys) {
  spaces::NetworkSpec net;
  for (const std::string& key : keys) {
    spaces::Placed placed;
    placed.block = spaces::parse_key(key, "test");
    net.blocks.push_back(placed);
  }
  net.input = net.blocks.front().block.in.front();
  return net;
}
inline latency::Item block_item(const std::string& key) {
  return latency::item_of(network_of({key}).blocks.front());
}

}  // namespace lathe::test
