#pragma once

#include <ATen/core/Tensor.h>

namespace lathe::supernet {

/// Cross-entropy with the labels, of which `smoothing` is spread evenly over all classes (Szegedy
/// et al. 2016, section 7), mean over the batch. logits: N x classes; labels: N, int64.
at::Tensor label_loss(const at::Tensor& logits, const at::Tensor& labels, double smoothing);

/// Cross-entropy of the student with the teacher's probabilities at temperature 1 (Hinton et al.
/// 2015; OFA's cross_entropy_loss_with_soft_target), mean over the batch. Both N x classes; no
/// gradient reaches the teacher.
at::Tensor distillation_loss(const at::Tensor& student, const at::Tensor& teacher);

}  // namespace lathe::supernet
