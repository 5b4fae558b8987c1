#include "supernet/elastic/norm_activate.hpp"

#include "tests/supernet/toy.hpp"
#include "tests/support/catch.hpp"

#include <torch/torch.h>

using namespace lathe::supernet;
using lathe::spaces::Act;

namespace {

torch::Tensor activated(const torch::Tensor& y, Act act) {
  return act == Act::relu ? at::relu(y) : act == Act::hswish ? at::hardswish(y) : y;
}

/// What a training step asks for: the result, gradients of sum(g * result), running statistics.
struct Step {
  torch::Tensor y, x, gamma, beta, mean, variance;
};

NormTensors random_norm(int channels, torch::ScalarType type) {
  const auto draw = [&](std::uint64_t seed) {
    return random_images({1, 1, channels}, 1, seed).flatten().to(type);
  };
  return {draw(11) + 1, draw(12), draw(13), draw(14).square() + 0.1};
}

Step step(const torch::Tensor& images, Act act, torch::ScalarType type, bool own) {
  const torch::Tensor x = images.detach().to(type).requires_grad_(true);
  NormTensors norm = random_norm(int(x.size(1)), type);
  norm.gamma.requires_grad_(true), norm.beta.requires_grad_(true);
  const torch::Tensor y = own ? norm_activate(x, norm, act, 0.1, 1e-5)
                              : activated(at::batch_norm(x, norm.gamma, norm.beta, norm.mean,
                                                         norm.variance, true, 0.1, 1e-5, false),
                                          act);
  const torch::Tensor g =
      random_images({int(x.size(2)), int(x.size(3)), int(x.size(1))}, int(x.size(0)), 3);
  (y * g.to(type)).sum().backward();
  return {y.detach(), x.grad(), norm.gamma.grad(), norm.beta.grad(), norm.mean, norm.variance};
}

/// Of every field, from the step of torch in double.
void check_step(const torch::Tensor& images, Act act, double bound) {
  const Step exact = step(images, act, torch::kDouble, false);
  const Step own = step(images, act, torch::kFloat, true);
  CHECK(relative_distance(own.y, exact.y) < bound);
  CHECK(relative_distance(own.x, exact.x) < bound);
  CHECK(relative_distance(own.gamma, exact.gamma) < bound);
  CHECK(relative_distance(own.beta, exact.beta) < bound);
  CHECK(relative_distance(own.mean, exact.mean) < bound);
  CHECK(relative_distance(own.variance, exact.variance) < bound);
}

}  // namespace

TEST_CASE("batch norm with its activation is that of double precision", "[supernet][parity]") {
  for (const Act act : {Act::none, Act::relu, Act::hswish})
    for (const auto& [channels, height, width, count] :
         {std::array{8, 1, 1, 6}, std::array{8, 3, 1, 2}, std::array{16, 7, 5, 3},
          std::array{24, 17, 16, 9}, std::array{960, 2, 2, 9}}) {
      CAPTURE(int(act), channels, height, width, count);
      const torch::Tensor x = random_images({height, width, channels}, count, 1);
      check_step(x * 2 + 0.5, act, 5e-6);
      check_step(x.contiguous(), act, 5e-6);
    }
}

TEST_CASE("batch norm's statistics survive a mean far above the deviation", "[supernet][parity]") {
  // Near 1,000 floats have steps of 6e-5: the input is the same in both, but the mean is rounded.
  const torch::Tensor x = random_images({9, 9, 16}, 8, 1) + 1000;
  check_step(x, Act::none, 1e-4);
  check_step(x, Act::hswish, 1e-4);
}

TEST_CASE("batch norm by hand: two values, gamma 2, beta 1", "[supernet]") {
  // Mean 3, biased variance 4, unbiased 8: 1 -> -1, 5 -> 1, times 2 plus 1: -1 and 3.
  const torch::Tensor x = torch::tensor({1.0F, 5.0F}).view({2, 1, 1, 1}).expand({2, 8, 1, 1});
  const NormTensors norm{torch::full({8}, 2.0F), torch::ones({8}), torch::zeros({8}),
                         torch::ones({8})};
  const torch::Tensor y = norm_activate(x, norm, Act::relu, 0.1, 0);
  CHECK(torch::equal(y.select(0, 0), torch::zeros({8, 1, 1})));
  CHECK(torch::equal(y.select(0, 1), torch::full({8, 1, 1}, 3.0F)));
  CHECK(distance(norm.mean, torch::full({8}, 0.3)) < 1e-7);
  CHECK(distance(norm.variance, torch::full({8}, 0.9 + 0.8)) < 1e-6);
}

TEST_CASE("batch norm with its activation has the same bytes on one thread and on three",
          "[supernet][property]") {
  const torch::Tensor x = random_images({9, 9, 72}, 8, 1);
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const Step one = step(x, Act::hswish, torch::kFloat, true);
  at::set_num_threads(3);
  const Step three = step(x, Act::hswish, torch::kFloat, true);
  at::set_num_threads(before);
  CHECK(torch::equal(one.y, three.y));
  CHECK(torch::equal(one.x, three.x));
  CHECK(torch::equal(one.gamma, three.gamma));
  CHECK(torch::equal(one.variance, three.variance));
}

TEST_CASE("batch norm lets NaN through every activation", "[supernet]") {
  torch::Tensor x = random_images({3, 3, 8}, 2, 1);
  x[1][3][0][0] = NAN;
  for (const Act act : {Act::none, Act::relu, Act::hswish}) {
    const torch::Tensor y = norm_activate(x, random_norm(8, torch::kFloat), act, 0.1, 1e-5).isnan();
    CHECK(y.select(1, 3).all().item<bool>());
    CHECK(y.sum().item<int>() == 18);
  }
}
