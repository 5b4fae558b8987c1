#include "supernet/elastic/parameters.hpp"

#include "spaces/base/error.hpp"
#include "tests/supernet/toy.hpp"
#include "tests/support/catch.hpp"

#include <torch/torch.h>

#include <cmath>

using namespace lathe;
using namespace lathe::supernet;
using spaces::Act;
using spaces::BlockSpec;
using spaces::Shortcut;

namespace {

spaces::Op depthwise_op(int kernel, int channels) {
  spaces::Op op;
  op.name = "depthwise";
  op.in = op.out = {9, 9, channels};
  op.kernel = {kernel, kernel}, op.stride = {1, 1};
  op.groups = channels;
  return op;
}

}  // namespace

TEST_CASE("kernels shrink through every size between, times the transposed matrices",
          "[supernet]") {
  OpParameters p;
  p.kernels = {{7, 7}, {5, 5}, {3, 3}};
  p.weight = torch::arange(2 * 49, torch::kFloat).view({2, 1, 7, 7});
  p.transforms = {torch::zeros({25, 25}), torch::zeros({9, 9})};
  p.transforms[0][0][24] = 1;   // the first of 5 x 5 is the last of the centre: (5, 5) of 7 x 7
  p.transforms[0][12][12] = 2;  // the middle doubles
  p.transforms[1][0][4] = 3;    // the first of 3 x 3 is three times the middle of the new 5 x 5

  CHECK(torch::equal(active_weight(p, depthwise_op(7, 2)), p.weight));
  const torch::Tensor five = active_weight(p, depthwise_op(5, 2));
  CHECK(five[0][0][0][0].item<float>() == 40);
  CHECK(five[0][0][2][2].item<float>() == 2 * 24);
  CHECK(five[1][0][0][0].item<float>() == 89);
  CHECK(five.sum().item<float>() == 40 + 48 + 89 + 2 * 73);
  const torch::Tensor three = active_weight(p, depthwise_op(3, 2));
  CHECK(three[0][0][0][0].item<float>() == 3 * 48);
  CHECK(three.sum().item<float>() == 3 * (48 + 146));

  p.transforms.clear();
  CHECK(
      torch::equal(active_weight(p, depthwise_op(3, 2)), p.weight.narrow(2, 2, 3).narrow(3, 2, 3)));
}

TEST_CASE("one-dimensional kernels shrink too", "[supernet]") {
  OpParameters p;
  p.kernels = {{1, 5}, {1, 3}};
  p.weight = torch::arange(10, torch::kFloat).view({2, 1, 1, 5});
  p.transforms = {2 * torch::eye(3)};
  spaces::Op op = depthwise_op(3, 2);
  op.kernel = {1, 3};
  CHECK(torch::equal(active_weight(p, op).flatten(),
                     torch::tensor({2., 4., 6., 12., 14., 16.}, torch::kFloat)));
}

TEST_CASE("a prefix respects groups", "[supernet]") {
  const torch::Tensor t = torch::arange(12);
  CHECK(torch::equal(prefix(t, 0, 4), torch::tensor({0, 1, 2, 3})));
  CHECK(torch::equal(prefix(t, 0, 4, 2), torch::tensor({0, 1, 6, 7})));
  CHECK(prefix(t, 0, 4).is_alias_of(t));
}

TEST_CASE("parameters are named slot, op, role and sized at the largest choice", "[supernet]") {
  const Supernet net(toy_slots(), Rng(1));
  const auto parameters = net->named_parameters();
  const auto buffers = net->named_buffers();
  CHECK(parameters["stage1.2.depthwise.weight"].sizes() == at::IntArrayRef({48, 1, 7, 7}));
  CHECK(parameters["stage1.2.depthwise.transform_7to5"].sizes() == at::IntArrayRef({25, 25}));
  CHECK(parameters["stage1.2.depthwise.transform_5to3"].sizes() == at::IntArrayRef({9, 9}));
  CHECK(parameters["stage1.2.se.reduce.bias"].sizes() == at::IntArrayRef({24}));
  CHECK(parameters["stage1.1.expand.norm.weight"].sizes() == at::IntArrayRef({48}));
  CHECK(buffers["stage1.1.project.norm.running_var"].sizes() == at::IntArrayRef({16}));
  CHECK(parameters["classifier.linear.weight"].sizes() == at::IntArrayRef({5, 16, 1, 1}));
  // stem 2 + norm 2... : per bottleneck 3 x (weight, gamma, beta) + 2 transforms + 2 x (weight,
  // bias)
  CHECK(parameters.size() == 3 + 2 * (9 + 2 + 4) + 2);
  CHECK(buffers.size() == 2 * (1 + 2 * 3));
}

TEST_CASE("without kernel transforms there are no matrices", "[supernet]") {
  for (const auto& item : Supernet(toy_slots(false), Rng(1))->named_parameters())
    CHECK(item.key().find("transform") == std::string::npos);
}

TEST_CASE("weight decay is for weights and transforms", "[supernet]") {
  CHECK(has_weight_decay("stage1.2.depthwise.weight"));
  CHECK(has_weight_decay("stage1.2.depthwise.transform_7to5"));
  CHECK_FALSE(has_weight_decay("stage1.2.depthwise.norm.weight"));
  CHECK_FALSE(has_weight_decay("stage1.2.depthwise.norm.bias"));
  CHECK_FALSE(has_weight_decay("classifier.linear.bias"));
}

TEST_CASE("the same seed gives the same weights, of the stated spread", "[supernet]") {
  const Supernet a(toy_slots(), Rng(7)), b(toy_slots(), Rng(7)), c(toy_slots(), Rng(8));
  for (const auto& item : a->named_parameters())
    CHECK(torch::equal(item.value(), b->named_parameters()[item.key()]));
  const auto parameters = a->named_parameters();
  CHECK_FALSE(
      torch::equal(parameters["stem.conv.weight"], c->named_parameters()["stem.conv.weight"]));
  const auto spread = [&](const char* name) {
    return parameters[name].to(torch::kDouble).std().item<double>();
  };
  CHECK(spread("stage1.1.depthwise.weight") == Approx(std::sqrt(2.0 / (49 * 48))).epsilon(0.05));
  CHECK(spread("stage1.2.expand.weight") == Approx(std::sqrt(2.0 / 48)).epsilon(0.1));
  const torch::Tensor linear = parameters["classifier.linear.weight"];
  CHECK(linear.abs().max().item<double>() <= 0.25);
  CHECK(linear.abs().max().item<double>() > 0.22);
}

TEST_CASE("a supernet made for loading has no usable weights", "[supernet]") {
  const Supernet net(toy_slots());
  CHECK(net->named_parameters()["stem.conv.weight"].isnan().all().item<bool>());
}

TEST_CASE("a slot whose ops differ in more than size is refused", "[supernet]") {
  const auto block = [](spaces::MbConv body) {
    return BlockSpec{{{8, 8, 16}}, 16, 1, Act::relu, Shortcut::identity, body};
  };
  const auto with = [](int groups) { return spaces::MbConv{3, 32, true, {}, groups}; };
  CHECK_THROWS_AS(Supernet(slots_of_blocks({block(with(1)), block(with(2))}), Rng(1)), ConfigError);
  CHECK_THROWS_WITH(
      Supernet(slots_of_blocks({block(with(2)), block(with(4))}), Rng(1)),
      ContainsSubstring(
          "space blocks, slot only.expand: expected choices that differ in size only") &&
          ContainsSubstring("got convolution in 2 groups with batch norm and without bias and "
                            "convolution in 4 groups with batch norm and without bias") &&
          ContainsSubstring("; give these choices separate weights in the space"));
  const auto conv = [](spaces::Conv body) {
    return BlockSpec{{{8, 8, 16}}, 16, 1, Act::relu, Shortcut::none, body};
  };
  CHECK_THROWS_WITH(
      Supernet(slots_of_blocks({conv({3, 1, true, false}), conv({3, 1, false, true})}), Rng(1)),
      ContainsSubstring("convolution without batch norm and with bias"));
  CHECK_THROWS_WITH(
      Supernet(slots_of_blocks({conv({3, 1, true, false}), conv({3, 16, true, false})}), Rng(1)),
      ContainsSubstring("depthwise convolution with batch norm"));
}
