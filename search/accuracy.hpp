#pragma once

#include <cstdint>
#include <vector>

namespace lathe::search {

/// Which images an accuracy is of. The test set is for the last report only.
enum class Split { val, test };

/// One network's accuracy with recalibrated batch norm.
struct Accuracy {
  double accuracy = 0;  ///< fraction in [0, 1]
  int images = 0;
  int bn_images = 0;                  ///< training images used to recalibrate
  std::vector<std::uint8_t> correct;  ///< per image, in the split's order: for paired comparisons
};

}  // namespace lathe::search
