#include "supernet/elastic/depthwise.hpp"

#include "supernet/elastic/depthwise_gradient.hpp"
#include "tests/supernet/toy.hpp"
#include "tests/support/catch.hpp"

#include <torch/torch.h>

#include <cstring>

using namespace lathe::supernet;

namespace {

struct Case {
  int kernel, stride, channels, height, width;
};

std::vector<Case> cases() {
  std::vector<Case> result;
  for (const int kernel : {3, 5, 7})
    for (const int stride : {1, 2})
      for (const auto& [channels, height, width] :
           {std::array{5, 4, 4}, std::array{8, 2, 2}, std::array{16, 7, 7}, std::array{24, 9, 5},
            std::array{27, 1, 3}, std::array{48, 17, 16}})
        result.push_back({kernel, stride, channels, height, width});
  return result;
}

/// Both gradients of sum(g * convolution), by autograd.
std::pair<torch::Tensor, torch::Tensor> gradients(const torch::Tensor& x, const torch::Tensor& w,
                                                  int stride, bool own) {
  const torch::Tensor images = x.detach().requires_grad_(true);
  const torch::Tensor weight = w.detach().requires_grad_(true);
  const torch::Tensor y = own ? depthwise(images, weight, stride)
                              : at::conv2d(images, weight, {}, stride, w.size(2) / 2, 1, w.size(0));
  const torch::Tensor g =
      random_images({int(y.size(2)), int(y.size(3)), int(y.size(1))}, int(y.size(0)), 3);
  (y * g.to(y.options())).sum().backward();
  return {images.grad(), weight.grad()};
}

}  // namespace

TEST_CASE("the depthwise weight gradient is that of double precision", "[supernet][parity]") {
  for (const Case& c : cases()) {
    CAPTURE(c.kernel, c.stride, c.channels, c.height, c.width);
    const torch::Tensor x = random_images({c.height, c.width, c.channels}, 9, 1)
                                .contiguous(at::MemoryFormat::ChannelsLast);
    const torch::Tensor w = random_images({c.kernel, c.kernel, 1}, c.channels, 2);
    const auto [exact_x, exact_w] =
        gradients(x.to(torch::kDouble), w.to(torch::kDouble), c.stride, false);
    const auto [own_x, own_w] = gradients(x, w, c.stride, true);
    CHECK(relative_distance(own_w, exact_w) < 2e-6);
    CHECK(relative_distance(own_x, exact_x) < 2e-6);
  }
}

TEST_CASE("the plain depthwise gradient agrees with the vectors", "[supernet]") {
  for (const Case& c : cases()) {
    CAPTURE(c.kernel, c.stride, c.channels, c.height, c.width);
    DepthwiseShape shape;
    shape.batch = 2, shape.height = c.height, shape.width = c.width, shape.channels = c.channels;
    shape.out_height = (c.height + c.stride - 1) / c.stride;
    shape.out_width = (c.width + c.stride - 1) / c.stride;
    shape.kernel = c.kernel, shape.stride = c.stride;
    const torch::Tensor x = random_images({c.height, c.width, c.channels}, 2, 1);
    const torch::Tensor g =
        random_images({int(shape.out_height), int(shape.out_width), c.channels}, 2, 2);
    const torch::Tensor a = torch::full({c.channels, c.kernel * c.kernel}, NAN), b = a.clone();
    depthwise_weight_gradient(shape, x.const_data_ptr<float>(), g.const_data_ptr<float>(),
                              a.mutable_data_ptr<float>(), 0, c.channels);
    depthwise_weight_gradient_plain(shape, x.const_data_ptr<float>(), g.const_data_ptr<float>(),
                                    b.mutable_data_ptr<float>(), 0, c.channels);
    CHECK(relative_distance(a, b) < 2e-6);
  }
}

TEST_CASE("the depthwise gradient has the same bytes on one thread and on three",
          "[supernet][property]") {
  const torch::Tensor x =
      random_images({9, 9, 72}, 8, 1).contiguous(at::MemoryFormat::ChannelsLast);
  const torch::Tensor w = random_images({5, 5, 1}, 72, 2);
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const torch::Tensor one = gradients(x, w, 1, true).second;
  at::set_num_threads(3);
  const torch::Tensor three = gradients(x, w, 1, true).second;
  at::set_num_threads(before);
  CHECK(torch::equal(one, three));
}

TEST_CASE("a gradient worked by hand: one image of 2 x 2, kernel 3", "[supernet]") {
  DepthwiseShape shape;
  shape.batch = 1, shape.channels = 1, shape.kernel = 3, shape.stride = 1;
  shape.height = shape.width = shape.out_height = shape.out_width = 2;
  const float x[] = {1, 2, 3, 4}, g[] = {10, 20, 30, 40};
  float gradient[9];
  depthwise_weight_gradient(shape, x, g, gradient, 0, 1);
  // Element (row, column) meets the input moved by (row - 1, column - 1).
  const float expected[] = {1 * 40,
                            1 * 30 + 2 * 40,
                            2 * 30,
                            1 * 20 + 3 * 40,
                            1 * 10 + 2 * 20 + 3 * 30 + 4 * 40,
                            2 * 10 + 4 * 30,
                            3 * 20,
                            3 * 10 + 4 * 20,
                            4 * 10};
  for (int i = 0; i < 9; ++i) CHECK(gradient[i] == expected[i]);
}
