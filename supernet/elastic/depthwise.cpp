#include "supernet/elastic/depthwise.hpp"

#include "supernet/elastic/depthwise_gradient.hpp"

#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <algorithm>

namespace lathe::supernet {
namespace {

using torch::Tensor;

Tensor weight_gradient(const Tensor& images, const Tensor& weight, const Tensor& output_gradient,
                       std::int64_t stride) {
  const Tensor x = images.contiguous(at::MemoryFormat::ChannelsLast);
  const Tensor g = output_gradient.contiguous(at::MemoryFormat::ChannelsLast);
  const Tensor gradient = at::empty(weight.sizes(), weight.options());
  DepthwiseShape shape;
  shape.batch = x.size(0), shape.channels = x.size(1);
  shape.height = x.size(2), shape.width = x.size(3);
  shape.out_height = g.size(2), shape.out_width = g.size(3);
  shape.kernel = int(weight.size(2)), shape.stride = int(stride);
  const std::int64_t items = (shape.channels + kDepthwiseChannels - 1) / kDepthwiseChannels;
  const float *in = x.const_data_ptr<float>(), *out = g.const_data_ptr<float>();
  float* const to = gradient.mutable_data_ptr<float>();
  at::parallel_for(0, items, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t item = begin; item < end; ++item) {
      const std::int64_t first = item * kDepthwiseChannels;
      depthwise_weight_gradient(shape, in, out, to, first,
                                std::min(kDepthwiseChannels, shape.channels - first));
    }
  });
  return gradient;
}

struct Depthwise : torch::autograd::Function<Depthwise> {
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& images,
                        const Tensor& weight, std::int64_t stride) {
    context->save_for_backward({images, weight});
    context->saved_data["stride"] = stride;
    return at::conv2d(images, weight, {}, stride, weight.size(2) / 2, 1, weight.size(0));
  }

  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext* context,
                                               const torch::autograd::tensor_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor &images = saved[0], &weight = saved[1], &gradient = gradients[0];
    const std::int64_t stride = context->saved_data["stride"].toInt(), pad = weight.size(2) / 2;
    Tensor to_images, to_weight;
    if (context->needs_input_grad(0))
      to_images = std::get<0>(at::convolution_backward(
          gradient, images, weight, std::nullopt, {stride, stride}, {pad, pad}, {1, 1}, false,
          {0, 0}, weight.size(0), {true, false, false}));
    if (context->needs_input_grad(1)) to_weight = weight_gradient(images, weight, gradient, stride);
    return {to_images, to_weight, Tensor()};
  }
};

}  // namespace

bool own_gradient_pays(const spaces::Op& op, const Tensor& images) {
  const int k = op.kernel.height;
  const bool slow_in_torch =
      k == 5 || k == 7 || (k == 3 && std::min(op.out.height, op.out.width) < 4);
  return slow_in_torch && op.kernel.width == k && op.stride.width == op.stride.height &&
         images.is_cpu() && images.scalar_type() == at::kFloat;
}

Tensor depthwise(const Tensor& images, const Tensor& weight, int stride) {
  return Depthwise::apply(images, weight, std::int64_t(stride));
}

}  // namespace lathe::supernet
