#include "spaces/base/error.hpp"
#include "spaces/cost.hpp"
#include "supernet/evaluate.hpp"
#include "supernet/export/from_subnet.hpp"
#include "supernet/extract.hpp"
#include "supernet/recalibrate.hpp"
#include "tests/supernet/toy.hpp"
#include "tests/support/catch.hpp"

#include <torch/torch.h>

#include <cmath>

using namespace lathe;
using namespace lathe::supernet;
using spaces::Act;
using spaces::BlockSpec;
using spaces::Shape;
using spaces::Shortcut;
using torch::Tensor;

namespace {

/// Slice, extracted, folded and reference executor say the same of every block in the list.
void check_parity(const std::vector<BlockSpec>& blocks, bool kernel_transform = true) {
  Supernet net(slots_of_blocks(blocks, kernel_transform), Rng(1));
  disturb(*net, 2);
  net->eval();
  const torch::NoGradGuard no_grad;
  for (const BlockSpec& block : blocks) {
    CAPTURE(spaces::key(block));
    const spaces::NetworkSpec spec = net_of_block(block);
    const Tensor images = random_images(block.in.front(), 2, 3);
    const Tensor slice = net->forward(images, spec);
    const Subnet subnet = extract(*net, spec);
    CHECK(relative_distance(subnet.forward(images), slice) < 1e-5);
    CHECK(relative_distance(fold_batch_norm(subnet).forward(images), slice) < 1e-5);
    const Tensor image = images[0].contiguous();
    const std::vector<float> reference = run_reference(
        graph_of(subnet),
        {image.const_data_ptr<float>(), image.const_data_ptr<float>() + image.numel()});
    CHECK(relative_distance(slice[0], torch::tensor(reference)) < 1e-5);
  }
}

Batch batch_of(const Shape& shape, int count, std::uint64_t seed) {
  return {random_images(shape, count, seed), torch::arange(count) % 5};
}

}  // namespace

TEST_CASE("slice, extracted, folded and reference agree for every network of the toy space",
          "[supernet][parity]") {
  Supernet net(toy_slots(), Rng(1));
  disturb(*net, 2);
  net->eval();
  const torch::NoGradGuard no_grad;
  const Tensor images = random_images({12, 12, 3}, 2, 3);
  for (const spaces::NetworkSpec& spec : toy_nets()) {
    const Tensor slice = net->forward(images, spec);
    const Subnet subnet = extract(*net, spec);
    CHECK(relative_distance(subnet.forward(images), slice) < 1e-5);
    CHECK(relative_distance(fold_batch_norm(subnet).forward(images), slice) < 1e-5);
    std::int64_t parameters = 0;
    for (const OpParameters& p : subnet.parameters)
      for (const Tensor& tensor : {p.weight, p.bias, p.gamma, p.beta})
        if (tensor.defined()) parameters += tensor.numel();
    CHECK(parameters == spaces::count(spec).params);
  }
}

TEST_CASE("block kinds that the executor has never heard of agree too", "[supernet][parity]") {
  const Shape at{7, 7, 16};
  const auto block = [&](int out, int stride, Act act, Shortcut shortcut, auto body) {
    return BlockSpec{{at}, out, stride, act, shortcut, body};
  };
  const auto none = Shortcut::none;
  SECTION("grouped, with elastic width") {
    check_parity({block(16, 1, Act::relu, Shortcut::identity, spaces::MbConv{3, 32, true, {}, 2}),
                  block(16, 1, Act::relu, Shortcut::identity, spaces::MbConv{5, 64, true, {}, 2})});
  }
  SECTION("universal, with optional depthwise convolutions") {
    check_parity({block(24, 2, Act::relu, none, spaces::Universal{0, 3, 32}),
                  block(24, 2, Act::relu, none, spaces::Universal{5, 0, 48}),
                  block(24, 2, Act::relu, none, spaces::Universal{3, 5, 64})});
    check_parity({block(16, 1, Act::relu, Shortcut::identity, spaces::Universal{0, 0, 32}),
                  block(16, 1, Act::relu, Shortcut::identity, spaces::Universal{3, 5, 64})});
  }
  SECTION("fused, dense kernel cropped, pooled shortcut on an odd map, elastic output") {
    check_parity({block(24, 2, Act::swish, Shortcut::pooled, spaces::Fused{3, 32, {8}}),
                  block(16, 2, Act::swish, Shortcut::pooled, spaces::Fused{5, 64, {16}})});
  }
  SECTION("tucker") {
    check_parity({block(16, 1, Act::relu6, Shortcut::identity, spaces::Tucker{3, 8, 8}),
                  block(16, 1, Act::relu6, Shortcut::identity, spaces::Tucker{5, 16, 12})});
  }
  SECTION("cropped depthwise kernels, optional squeeze-and-excite") {
    const spaces::Squeeze se{8, Act::swish, Act::sigmoid};
    check_parity({block(16, 2, Act::hswish, none, spaces::MbConv{3, 32, true, {}, 1}),
                  block(16, 2, Act::hswish, none, spaces::MbConv{7, 48, true, se, 1})},
                 false);
  }
  SECTION("one-block convolutions with bias") {
    check_parity({block(8, 2, Act::relu6, none, spaces::Conv{3, 1, false, true}),
                  block(12, 2, Act::relu6, none, spaces::Conv{5, 1, false, true})});
  }
}

TEST_CASE("a subnet has its own weights", "[supernet]") {
  Supernet net(toy_slots(), Rng(1));
  net->eval();
  const spaces::NetworkSpec spec = toy_net({{7, 48}, {5, 24}});
  const Subnet subnet = extract(*net, spec);
  const torch::NoGradGuard no_grad;
  const Tensor images = random_images(spec.input, 2, 3), before = subnet.forward(images);
  for (const Tensor& parameter : net->parameters()) parameter.zero_();
  for (const Tensor& buffer : net->buffers()) buffer.fill_(7);
  CHECK(torch::equal(subnet.forward(images), before));
  CHECK(before.abs().sum().item<float>() > 0);
}

TEST_CASE("a graph names ops by slot and keeps every weight", "[supernet]") {
  Supernet net(toy_slots(), Rng(1));
  const Subnet subnet = extract(*net, toy_net({{3, 16}}));
  const Graph graph = graph_of(subnet);
  CHECK(graph.names[1] == "stage1.1.expand");
  CHECK(graph.names.back() == "classifier.linear");
  CHECK(graph.weights[1].weight.size() == 16 * 8);
  CHECK(graph.weights[1].gamma.size() == 16);
  CHECK(graph.weights.back().bias.size() == 5);
  const Graph folded = graph_of(fold_batch_norm(subnet));
  CHECK(folded.weights[1].gamma.empty());
  CHECK(folded.weights[1].bias.size() == 16);
}

TEST_CASE("recalibrated statistics are averages of batch statistics weighted by size",
          "[supernet]") {
  // 1 x 1 weights 2 and -1 on one channel: the values themselves, doubled and negated.
  const BlockSpec block{{{1, 2, 1}}, 2, 1, Act::none, Shortcut::none, spaces::Conv{1, 1}};
  Supernet net(slots_of_blocks({block}), Rng(1));
  Subnet subnet = extract(*net, net_of_block(block));
  subnet.parameters[0].weight.copy_(torch::tensor({2., -1.}).view({2, 1, 1, 1}));
  const std::vector<Batch> batches = {
      {torch::tensor({1., 3., 5., 7.}, torch::kFloat).view({2, 1, 1, 2}), {}},
      {torch::tensor({10., 20.}, torch::kFloat).view({1, 1, 1, 2}), {}}};
  CHECK(recalibrate(subnet, stream_of(batches)) == 3);
  // Means 4 and 15, biased variances 5 and 25; two images and one.
  const double mean = (2 * 4 + 15) / 3.0, variance = (2 * 5 + 25) / 3.0;
  CHECK(subnet.parameters[0].mean[0].item<double>() == Approx(2 * mean));
  CHECK(subnet.parameters[0].mean[1].item<double>() == Approx(-mean));
  CHECK(subnet.parameters[0].variance[0].item<double>() == Approx(4 * variance));
  CHECK(subnet.parameters[0].variance[1].item<double>() == Approx(variance));
}

TEST_CASE("recalibration runs later layers on batch statistics, not on half-made running ones",
          "[supernet]") {
  const auto conv = [](Act act) {
    return BlockSpec{{{4, 4, 8}}, 8, 1, act, Shortcut::none, spaces::Conv{1, 1}};
  };
  Slots slots;
  slots.slots = {{"first", {conv(Act::relu)}}, {"second", {conv(Act::none)}}};
  spaces::NetworkSpec spec = net_of_block(conv(Act::relu));
  spec.blocks.push_back(spec.blocks[0]);
  spec.blocks[1].slot = 1, spec.blocks[1].block = conv(Act::none);
  Supernet net(slots, Rng(1));
  disturb(*net, 2);
  Subnet subnet = extract(*net, spec);
  const std::vector<Batch> batches = {batch_of(spec.input, 6, 3), batch_of(spec.input, 2, 4)};
  const Tensor wrong_mean = subnet.parameters[0].mean.clone(),
               wrong_variance = subnet.parameters[0].variance.clone();
  recalibrate(subnet, stream_of(batches));

  const OpParameters& p = subnet.parameters[0];
  Tensor mean = torch::zeros({8}, torch::kDouble), by_running = mean.clone();
  for (const Batch& batch : batches) {
    const Tensor x = at::conv2d(batch.images, p.weight);
    const double share = double(x.size(0)) / 8;
    const auto second = [&](const Tensor& normalised) {
      return share * at::conv2d(normalised.relu(), subnet.parameters[1].weight)
                         .mean({0, 2, 3})
                         .to(torch::kDouble);
    };
    mean += second(at::batch_norm(x, p.gamma, p.beta, {}, {}, true, 0, 1e-5, false));
    by_running += second(
        at::batch_norm(x, p.gamma, p.beta, wrong_mean, wrong_variance, false, 0, 1e-5, false));
  }
  CHECK(distance(subnet.parameters[1].mean, mean) < 1e-6);
  CHECK(distance(subnet.parameters[1].mean, by_running) > 0.01);
}

TEST_CASE("recalibration refuses no images and folded batch norm", "[supernet]") {
  Supernet net(toy_slots(), Rng(1));
  Subnet subnet = extract(*net, toy_net({{3, 16}}));
  const std::vector<Batch> none;
  CHECK_THROWS_WITH(recalibrate(subnet, stream_of(none)),
                    ContainsSubstring("batch norm recalibration: expected at least one image"));
  Subnet folded = fold_batch_norm(subnet);
  const std::vector<Batch> some = {batch_of(subnet.net.input, 2, 1)};
  CHECK_THROWS_WITH(recalibrate(folded, stream_of(some)),
                    ContainsSubstring("stem.conv: batch norm was folded"));
}

TEST_CASE("evaluation says of each image whether the largest logit is its label's", "[supernet]") {
  const BlockSpec block{{{1, 1, 3}}, 3, 1, Act::none, Shortcut::none, spaces::Linear{}};
  Supernet net(slots_of_blocks({block}), Rng(1));
  Subnet subnet = extract(*net, net_of_block(block));
  subnet.parameters[0].weight.copy_(torch::eye(3).view({3, 3, 1, 1}));
  subnet.parameters[0].bias.copy_(torch::tensor({0., 0., 0.5}));
  const Tensor logits =
      torch::tensor({1., 0., 0., 0., 1., 0.8, 0., 0., 0., 2., 2., 0.}, torch::kFloat);
  std::vector<Batch> batches = {
      {logits.view({4, 3, 1, 1}).narrow(0, 0, 3), torch::tensor({0, 1, 2})},
      {logits.view({4, 3, 1, 1}).narrow(0, 3, 1), torch::tensor({0})}};
  // The bias turns the second image to class 2; of the last one's equal logits the first counts.
  const std::vector<std::uint8_t> correct = evaluate(subnet, stream_of(batches));
  CHECK(correct == std::vector<std::uint8_t>{1, 0, 1, 1});
  CHECK(accuracy_of(correct) == 0.75);

  subnet.parameters[0].bias[1] = NAN;
  CHECK_THROWS_AS(evaluate(subnet, stream_of(batches)), CheckFailed);
  CHECK_THROWS_WITH(evaluate(subnet, stream_of(batches)),
                    ContainsSubstring("image 0: expected finite logits, got NaN or infinity"));
}
