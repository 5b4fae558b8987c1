#include "supernet/training/schedule.hpp"

#include "spaces/base/error.hpp"

#include <cmath>
#include <string>

namespace lathe::supernet {

double lr_at(const Schedule& s, std::int64_t step) {
  LATHE_CHECK(step >= 0 && step < s.total_steps, "step " + std::to_string(step));
  if (step < s.warm_up_steps) return s.base_lr * double(step + 1) / double(s.warm_up_steps);
  const double done = double(step - s.warm_up_steps) / double(s.total_steps - s.warm_up_steps);
  return 0.5 * s.base_lr * (1.0 + std::cos(M_PI * done));
}

}  // namespace lathe::supernet
