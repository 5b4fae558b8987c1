#include "supernet/sort_channels.hpp"

#include "tests/supernet/toy.hpp"
#include "tests/support/catch.hpp"

#include <torch/torch.h>

#include <algorithm>

using namespace lathe;
using namespace lathe::supernet;
using torch::Tensor;

namespace {

std::vector<TrainedWidths> all_slots(const TrainedWidths& bottleneck) {
  return {{}, bottleneck, bottleneck, {}, {}};
}

Supernet disturbed_toy() {
  Supernet net(toy_slots(), Rng(1));
  disturb(*net, 2);
  net->eval();
  return net;
}

/// Indices of the `count` largest L1 norms of the first `among` input channels, ascending.
Tensor top(const Tensor& weight, std::int64_t among, std::int64_t count) {
  const Tensor importance = weight.abs().sum({0, 2, 3}).narrow(0, 0, among);
  return std::get<0>(std::get<1>(importance.topk(count)).sort());
}

/// The network of that middle width in its second bottleneck that keeps the most important channels
/// of the unsorted supernet, chosen among the first `among`: built by hand.
Subnet keep_top(const SupernetImpl& unsorted, int kernel, int mid, std::int64_t among) {
  const Subnet full = extract(unsorted, toy_net({{7, 48}, {kernel, 48}}));
  Subnet kept = extract(unsorted, toy_net({{7, 48}, {kernel, mid}}));
  const auto at = [&](const std::string& name) {
    return std::size_t(std::find(full.names.begin(), full.names.end(), name) - full.names.begin());
  };
  const std::string slot = "stage1.2.";
  const auto select = [](const Tensor& tensor, std::int64_t dimension, const Tensor& indices) {
    return tensor.defined() ? tensor.index_select(dimension, indices) : Tensor();
  };
  const auto rows = [&](const std::string& name, const Tensor& indices) {
    OpParameters& to = kept.parameters[at(slot + name)];
    const OpParameters& from = full.parameters[at(slot + name)];
    to.weight = select(from.weight, 0, indices), to.bias = select(from.bias, 0, indices);
    to.gamma = select(from.gamma, 0, indices), to.beta = select(from.beta, 0, indices);
    to.mean = select(from.mean, 0, indices), to.variance = select(from.variance, 0, indices);
  };
  const auto columns = [&](const std::string& name, const Tensor& from, const Tensor& indices) {
    kept.parameters[at(slot + name)].weight = select(from, 1, indices);
  };
  const Tensor channels = top(full.parameters[at(slot + "project")].weight, among, mid);
  const Tensor hidden =
      top(full.parameters[at(slot + "se.expand")].weight, among / 2, std::int64_t(mid) / 2);
  rows("expand", channels), rows("depthwise", channels);
  rows("se.expand", channels), rows("se.reduce", hidden);
  columns("se.expand", kept.parameters[at(slot + "se.expand")].weight, hidden);
  columns("se.reduce", kept.parameters[at(slot + "se.reduce")].weight, channels);
  columns("project", full.parameters[at(slot + "project")].weight, channels);
  return kept;
}

}  // namespace

TEST_CASE("sorting keeps the function of the largest network at any depth and kernel",
          "[supernet]") {
  const torch::NoGradGuard no_grad;
  Supernet before = disturbed_toy(), after = disturbed_toy();
  sort_channels(*after, all_slots({{48}, {24}}));
  const Tensor images = random_images({12, 12, 3}, 4, 3);
  for (const auto& net :
       {toy_net({{7, 48}, {7, 48}}), toy_net({{3, 48}}), toy_net({{5, 48}, {3, 48}})})
    CHECK(relative_distance(after->forward(images, net), before->forward(images, net)) < 1e-5);
  const Tensor importance =
      after->named_parameters()["stage1.1.project.weight"].abs().sum({0, 2, 3});
  CHECK(std::get<0>(importance.sort(0, true)).equal(importance));
  CHECK_FALSE(after->named_parameters()["stage1.1.project.weight"].equal(
      before->named_parameters()["stage1.1.project.weight"]));
}

TEST_CASE("after sorting each smaller width keeps the most important channels", "[supernet]") {
  const torch::NoGradGuard no_grad;
  Supernet before = disturbed_toy(), after = disturbed_toy();
  sort_channels(*after, all_slots({{48}, {24}}));
  const Tensor images = random_images({12, 12, 3}, 4, 3);
  for (const int kernel : kToyKernels)
    for (const int mid : {16, 24}) {
      // The first bottleneck at full width computes the same before and after.
      const Tensor expected = keep_top(*before, kernel, mid, 48).forward(images);
      CHECK(relative_distance(after->forward(images, toy_net({{7, 48}, {kernel, mid}})), expected) <
            1e-5);
      CHECK(relative_distance(before->forward(images, toy_net({{7, 48}, {kernel, mid}})),
                              expected) > 1e-3);
    }
}

TEST_CASE("sorting keeps every trained width and orders within its groups", "[supernet]") {
  const torch::NoGradGuard no_grad;
  Supernet before = disturbed_toy(), after = disturbed_toy();
  sort_channels(*after, all_slots({{24, 48}, {12, 24}}));
  const Tensor images = random_images({12, 12, 3}, 4, 3);
  for (const int mid : {24, 48}) {
    const auto net = toy_net({{5, mid}, {7, mid}});
    CHECK(relative_distance(after->forward(images, net), before->forward(images, net)) < 1e-5);
  }
  const Tensor expected = keep_top(*before, 5, 16, 24).forward(images);
  CHECK(relative_distance(after->forward(images, toy_net({{7, 48}, {5, 16}})), expected) < 1e-5);
}

TEST_CASE("sorting twice changes nothing more", "[supernet]") {
  const torch::NoGradGuard no_grad;
  Supernet net = disturbed_toy();
  sort_channels(*net, all_slots({{48}, {24}}));
  const Tensor once = net->named_parameters()["stage1.2.expand.weight"].clone();
  sort_channels(*net, all_slots({{48}, {24}}));
  CHECK(net->named_parameters()["stage1.2.expand.weight"].equal(once));
}

TEST_CASE("slots with grouped or unexpanded blocks are left as they are", "[supernet]") {
  const auto block = [](const spaces::MbConv& body) {
    return spaces::BlockSpec{{{8, 8, 16}}, 16, 1, spaces::Act::relu, spaces::Shortcut::identity,
                             body};
  };
  const std::vector<std::vector<spaces::BlockSpec>> lists = {
      {block({5, 64, true, {}, 2})}, {block({5, 64, true, {}, 1}), block({5, 16, false, {}, 1})}};
  for (const auto& blocks : lists) {
    Supernet net(slots_of_blocks(blocks), Rng(1));
    const Tensor weight = net->named_parameters()["only.expand.weight"].clone();
    sort_channels(*net, {{{64}, {}}});
    CHECK(net->named_parameters()["only.expand.weight"].equal(weight));
  }
}
