#pragma once

#include "supernet/supernet.hpp"

#include <vector>

namespace lathe::supernet {

/// Widths of one slot's blocks that were trained so far, ascending, without repetition.
struct TrainedWidths {
  std::vector<int> mid;     ///< channels between expand and project
  std::vector<int> hidden;  ///< hidden units of squeeze-and-excite
};

/// By slot: the widths of all blocks that the space can place with each decision d limited to the
/// choice indices open[d] (a pinned or closed decision: one index).
std::vector<TrainedWidths> trained_widths(const spaces::SearchSpace& space,
                                          const std::vector<std::vector<int>>& open);

/// Puts the most important channels first, so that smaller widths start from them (Cai et al. 2020,
/// section 3.3; OFA's re_organize_middle_weights). In every slot whose blocks expand to a middle
/// width (ops "expand" ... "project", not grouped), middle channels are ordered by the L1 norm of
/// the weights that `project` reads them with, largest first, and only within the groups that the
/// trained widths cut: what a trained width uses stays a prefix. Rows of expand, of the depthwise
/// convolution and of se.expand, their batch norm, and columns of se.reduce and project move
/// together; then hidden units of squeeze-and-excite by the L1 norm of se.expand's columns, in
/// groups too (OFA's code has none there, which changes trained smaller networks). The largest
/// network computes the same function as before, and so does every trained width. Equal norms keep
/// their order.
void sort_channels(SupernetImpl& supernet, const std::vector<TrainedWidths>& trained);

}  // namespace lathe::supernet
