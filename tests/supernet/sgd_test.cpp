#include "supernet/training/sgd.hpp"

#include "supernet/training/distillation.hpp"
#include "tests/support/catch.hpp"

#include <torch/torch.h>

#include <cmath>

using namespace lathe::supernet;

namespace {

/// Two parameters: one that decays, one that does not.
struct Two : torch::nn::Module {
  torch::Tensor weight = register_parameter("weight", torch::tensor({1.0F, 2.0F}));
  torch::Tensor other = register_parameter("other", torch::tensor({3.0F}));
  std::shared_ptr<torch::nn::Module> norm = register_module("norm", bias_holder());
  static std::shared_ptr<torch::nn::Module> bias_holder() {
    auto holder = std::make_shared<torch::nn::Module>();
    holder->register_parameter("bias", torch::tensor({5.0F}));
    return holder;
  }
};

std::vector<float> values(const torch::Tensor& tensor) {
  const torch::Tensor t = tensor.detach().contiguous();
  return {t.data_ptr<float>(), t.data_ptr<float>() + t.numel()};
}

}  // namespace

TEST_CASE("two steps of Nesterov's momentum are those on paper", "[supernet][training]") {
  Two module;
  Sgd sgd = make_sgd(module, 0.5, 0);
  module.weight.mutable_grad() = torch::tensor({1.0F, -1.0F});
  step(sgd, 0.1);  // m = g; w -= 0.1 * (g + 0.5 g)
  CHECK(values(module.weight)[0] == Approx(0.85));
  CHECK(values(module.weight)[1] == Approx(2.15));
  module.weight.mutable_grad() = torch::tensor({2.0F, 0.0F});
  step(sgd, 0.1);  // m = 0.5 * 1 + 2 = 2.5; w -= 0.1 * (2 + 1.25); second: m = -0.5, w += 0.025
  CHECK(values(module.weight)[0] == Approx(0.525));
  CHECK(values(module.weight)[1] == Approx(2.175));
}

TEST_CASE("our steps are PyTorch's where every gradient is there", "[supernet][training][parity]") {
  torch::manual_seed(3);
  Two ours, theirs;
  Sgd sgd = make_sgd(ours, 0.9, 0.01);
  torch::optim::SGD reference(
      {theirs.weight, theirs.other},
      torch::optim::SGDOptions(0.1).momentum(0.9).nesterov(true).weight_decay(0.01));
  for (int i = 0; i < 20; ++i) {
    const torch::Tensor a = torch::randn({2}), b = torch::randn({1});
    ours.weight.mutable_grad() = a.clone(), ours.other.mutable_grad() = b.clone();
    theirs.weight.mutable_grad() = a.clone(), theirs.other.mutable_grad() = b.clone();
    step(sgd, 0.1);
    reference.step();
  }
  CHECK(torch::allclose(ours.weight, theirs.weight, 1e-6, 1e-6));
  CHECK(torch::allclose(ours.other, theirs.other, 1e-6, 1e-6));
}

TEST_CASE("what was in no network of the step stays as it is", "[supernet][training]") {
  Two module;
  Sgd sgd = make_sgd(module, 0.9, 0.1);
  module.weight.mutable_grad() = torch::tensor({1.0F, 1.0F});
  module.other.mutable_grad() = torch::tensor({1.0F});
  step(sgd, 0.1);
  const auto before = values(module.other), momentum = values(sgd.momentum_of[1]);
  clear_gradients(sgd);
  CHECK_FALSE(module.other.grad().defined());
  module.weight.mutable_grad() = torch::tensor({1.0F, 1.0F});
  step(sgd, 0.1);
  CHECK(values(module.other) == before);
  CHECK(values(sgd.momentum_of[1]) == momentum);
  CHECK_FALSE(sgd.momentum_of[2].defined());
}

TEST_CASE("the unused part of a used tensor decays and coasts", "[supernet][training]") {
  Two module;
  Sgd sgd = make_sgd(module, 0.5, 0.1);
  module.weight.narrow(0, 0, 1).sum().backward();  // gradient 1, 0
  step(sgd, 0.1);
  // Second element: d = 0.1 * 2 = 0.2, m = 0.2, w = 2 - 0.1 * (0.2 + 0.1).
  CHECK(values(module.weight)[1] == Approx(1.97));
  CHECK(values(module.weight)[0] == Approx(1 - 0.1 * 1.5 * 1.1));
  clear_gradients(sgd);
  module.weight.narrow(0, 0, 1).sum().backward();
  step(sgd, 0.1);  // d = 0.197, m = 0.5 * 0.2 + 0.197 = 0.297, w -= 0.1 * (0.197 + 0.1485)
  CHECK(values(module.weight)[1] == Approx(1.97 - 0.03455));
}

TEST_CASE("biases and batch norm do not decay", "[supernet][training]") {
  Two module;
  Sgd sgd = make_sgd(module, 0, 0.5);
  REQUIRE(sgd.names[2] == "norm.bias");
  for (torch::Tensor& parameter : sgd.parameters)
    parameter.mutable_grad() = torch::zeros_like(parameter);
  step(sgd, 0.1);
  CHECK(values(sgd.parameters[2])[0] == 5.0F);
  CHECK(values(module.other)[0] == Approx(2.85));
}

TEST_CASE("the losses are those on paper", "[supernet][training]") {
  const torch::Tensor logits = torch::tensor({{0.0F, std::log(3.0F)}});  // probabilities 1/4, 3/4
  const torch::Tensor label = torch::tensor({1}, torch::kLong);
  const double right = -std::log(0.75), wrong = -std::log(0.25);
  CHECK(label_loss(logits, label, 0).item<double>() == Approx(right));
  CHECK(label_loss(logits, label, 0.2).item<double>() == Approx(0.9 * right + 0.1 * wrong));
  const torch::Tensor teacher = torch::zeros({1, 2}).requires_grad_(true);
  const torch::Tensor student = logits.clone().requires_grad_(true);
  const torch::Tensor loss = distillation_loss(student, teacher);
  CHECK(loss.item<double>() == Approx(0.5 * right + 0.5 * wrong));
  loss.backward();
  CHECK_FALSE(teacher.grad().defined());
  CHECK(student.grad()[0][1].item<double>() == Approx(0.75 - 0.5));
}

TEST_CASE("clipping cuts elements, not norms, and leaves absent gradients absent",
          "[supernet][training]") {
  Two module;
  const Sgd sgd = make_sgd(module, 0.5, 0);
  module.weight.mutable_grad() = torch::tensor({0.5F, -3.0F});
  clip_gradients(sgd, 1.0);
  CHECK(values(module.weight.grad()) == std::vector<float>{0.5F, -1.0F});
  CHECK_FALSE(module.other.grad().defined());
}
