#pragma once

#include <cstdint>

namespace lathe::supernet {

/// The learning rate over one phase, as a function of the step and of nothing else.
struct Schedule {
  double base_lr = 0.1;
  std::int64_t warm_up_steps = 0;
  std::int64_t total_steps = 1;  ///< warm-up included
};

/// Linear warm-up, base_lr * (step + 1) / warm_up_steps, then half a cosine from base_lr towards 0
/// (Loshchilov & Hutter 2017, eq. 5 without restarts, per iteration). step: from 0.
double lr_at(const Schedule& schedule, std::int64_t step);

}  // namespace lathe::supernet
