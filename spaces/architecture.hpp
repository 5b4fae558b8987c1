#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace lathe::spaces {

/// A choice index per decision of a space, in the space's order. Means nothing without the space.
struct Architecture {
  std::vector<std::uint8_t> genes;
  friend bool operator==(const Architecture& a, const Architecture& b) {
    return a.genes == b.genes;
  }
  friend bool operator!=(const Architecture& a, const Architecture& b) {
    return a.genes != b.genes;
  }
  friend bool operator<(const Architecture& a, const Architecture& b) { return a.genes < b.genes; }
};

struct ArchitectureHash {
  std::size_t operator()(const Architecture& arch) const noexcept;
};

}  // namespace lathe::spaces
