#include "supernet/training/distillation.hpp"

#include <torch/torch.h>

namespace lathe::supernet {

at::Tensor label_loss(const at::Tensor& logits, const at::Tensor& labels, double smoothing) {
  return at::cross_entropy_loss(logits, labels, {}, at::Reduction::Mean, -100, smoothing);
}

at::Tensor distillation_loss(const at::Tensor& student, const at::Tensor& teacher) {
  const at::Tensor target = teacher.detach().softmax(1);
  return -(target * student.log_softmax(1)).sum(1).mean();
}

}  // namespace lathe::supernet
