#include "supernet/supernet.hpp"

#include "spaces/base/error.hpp"
#include "tests/supernet/toy.hpp"
#include "tests/support/catch.hpp"

#include <torch/torch.h>

#include <cmath>
#include <thread>

using namespace lathe;
using namespace lathe::supernet;
using spaces::Act;
using spaces::BlockSpec;
using spaces::Shortcut;
using torch::Tensor;

namespace {

const spaces::NetworkSpec kLargest = toy_net({{7, 48}, {7, 48}});
const spaces::NetworkSpec kSmallest = toy_net({{3, 16}});

Tensor loss_of(const Supernet& net, const spaces::NetworkSpec& active, const Tensor& images) {
  const Tensor logits = net->forward(images, active);
  return at::cross_entropy_loss(logits, torch::arange(images.size(0)) % 5);
}

Tensor images_of(const spaces::NetworkSpec& net, int count, std::uint64_t seed) {
  return random_images(net.input, count, seed);
}

}  // namespace

TEST_CASE("only what the active network uses gets a gradient", "[supernet]") {
  Supernet net(toy_slots(), Rng(1));
  disturb(*net, 2);
  loss_of(net, kSmallest, images_of(kSmallest, 8, 3)).backward();
  const auto parameters = net->named_parameters();
  for (const auto& item : parameters) {
    CAPTURE(item.key());
    CHECK(item.value().grad().defined() == (item.key().find("stage1.2") == std::string::npos));
  }
  const Tensor rows = parameters["stage1.1.expand.weight"].grad();
  CHECK(rows.narrow(0, 0, 16).abs().sum().item<float>() > 0);
  CHECK(rows.narrow(0, 16, 32).abs().max().item<float>() == 0);
  const Tensor columns = parameters["stage1.1.project.weight"].grad();
  CHECK(columns.narrow(1, 0, 16).abs().sum().item<float>() > 0);
  CHECK(columns.narrow(1, 16, 32).abs().max().item<float>() == 0);
  for (const char* name : {"transform_7to5", "transform_5to3"})
    CHECK(parameters[std::string("stage1.1.depthwise.") + name].grad().abs().sum().item<float>() >
          0);

  net->zero_grad();
  loss_of(net, toy_net({{7, 48}}), images_of(kSmallest, 8, 3)).backward();
  CHECK_FALSE(parameters["stage1.1.depthwise.transform_7to5"].grad().defined());
}

TEST_CASE("gradients are those of double precision", "[supernet][parity]") {
  Supernet single(toy_slots(), Rng(1)), exact(toy_slots(), Rng(1));
  disturb(*single, 2), disturb(*exact, 2);
  exact->to(torch::kDouble);
  const Tensor images = images_of(kLargest, 16, 3);
  for (const auto& active : {kLargest, toy_net({{5, 24}, {3, 16}})}) {
    single->zero_grad(), exact->zero_grad();
    loss_of(single, active, images).backward();
    loss_of(exact, active, images.to(torch::kDouble)).backward();
    for (const auto& item : exact->named_parameters()) {
      CAPTURE(item.key());
      // Batch norm makes some gradients zero but for rounding; the absolute part is for those.
      const Tensor got = single->named_parameters()[item.key()].grad(),
                   wanted = item.value().grad();
      REQUIRE(got.defined() == wanted.defined());
      if (got.defined())
        CHECK(distance(got, wanted) < 1e-3 * wanted.abs().max().item<double>() + 1e-5);
    }
  }
}

TEST_CASE("training moves the running statistics of the active prefix only", "[supernet]") {
  Supernet net(toy_slots(), Rng(1));
  const Tensor mean = net->named_buffers()["stage1.1.expand.norm.running_mean"];
  const Tensor variance = net->named_buffers()["stage1.1.expand.norm.running_var"];
  const Tensor stem = net->named_buffers()["stem.conv.norm.running_mean"];
  const Tensor images = images_of(kLargest, 8, 3);
  ForwardOptions options;
  options.norm_momentum = 0.25;
  net->forward(images, toy_net({{5, 24}}), options);
  CHECK(mean.narrow(0, 0, 24).ne(0).all().item<bool>());
  CHECK(mean.narrow(0, 24, 24).eq(0).all().item<bool>());
  CHECK(variance.narrow(0, 0, 24).ne(1).all().item<bool>());
  CHECK(variance.narrow(0, 24, 24).eq(1).all().item<bool>());
  const Tensor maps = at::conv2d(images, net->named_parameters()["stem.conv.weight"], {}, 1, 1);
  CHECK(distance(stem, 0.25 * maps.mean({0, 2, 3})) < 1e-6);

  net->eval();
  const Tensor before = mean.clone();
  net->forward(images, kLargest);
  CHECK(torch::equal(mean, before));
}

TEST_CASE("grouped convolutions move each group's prefix", "[supernet]") {
  const auto block = [](int mid) {
    return BlockSpec{
        {{8, 8, 16}}, 16, 1, Act::relu, Shortcut::identity, spaces::MbConv{5, mid, true, {}, 2}};
  };
  Supernet net(slots_of_blocks({block(32), block(64)}), Rng(1));
  net->forward(random_images({8, 8, 16}, 4, 2), net_of_block(block(32)));
  const Tensor moved = net->named_buffers()["only.expand.norm.running_mean"].ne(0);
  CHECK(moved.narrow(0, 0, 16).all().item<bool>());
  CHECK_FALSE(moved.narrow(0, 16, 16).any().item<bool>());
  CHECK(moved.narrow(0, 32, 16).all().item<bool>());
  CHECK_FALSE(moved.narrow(0, 48, 16).any().item<bool>());
}

TEST_CASE("twenty steps of random networks lower the loss", "[supernet]") {
  Supernet net(toy_slots(), Rng(1));
  const std::vector<spaces::NetworkSpec> nets = toy_nets();
  const Tensor images = images_of(kLargest, 32, 5);
  torch::optim::SGD optimiser(net->parameters(), torch::optim::SGDOptions(0.05).momentum(0.9));
  Rng rng(9);
  double first = 0, last = 0;
  for (int step = 0; step < 20; ++step) {
    optimiser.zero_grad();
    const Tensor loss = loss_of(net, nets[std::size_t(rng.below(int(nets.size())))], images);
    loss.backward();
    optimiser.step();
    (step < 5 ? first : last) += step < 5 || step >= 15 ? loss.item<double>() / 5 : 0;
  }
  CHECK(last < 0.8 * first);
}

TEST_CASE("the supernet runs in double precision", "[supernet]") {
  Supernet net(toy_slots(), Rng(1));
  disturb(*net, 2);
  net->eval();
  const torch::NoGradGuard no_grad;
  const Tensor images = images_of(kLargest, 4, 3);
  const Tensor single = net->forward(images, kLargest);
  net->to(torch::kDouble);
  const Tensor exact = net->forward(images.to(torch::kDouble), kLargest);
  CHECK(exact.scalar_type() == torch::kDouble);
  CHECK(relative_distance(single, exact) < 1e-5);
}

TEST_CASE("two threads evaluate two networks of one supernet as one after another does",
          "[supernet]") {
  Supernet net(toy_slots(), Rng(1));
  disturb(*net, 2);
  net->eval();
  const Tensor images = images_of(kLargest, 8, 3);
  const auto run = [&](const spaces::NetworkSpec& active) {
    const torch::NoGradGuard no_grad;
    return net->forward(images, active);
  };
  const Tensor large = run(kLargest), small = run(kSmallest);
  std::vector<Tensor> together(40);
  std::thread even([&] {
    for (std::size_t i = 0; i < together.size(); i += 2) together[i] = run(kLargest);
  });
  std::thread odd([&] {
    for (std::size_t i = 1; i < together.size(); i += 2) together[i] = run(kSmallest);
  });
  even.join(), odd.join();
  for (std::size_t i = 0; i < together.size(); ++i)
    CHECK(torch::equal(together[i], i % 2 == 0 ? large : small));
}

TEST_CASE("dropout comes from the given stream, in training only", "[supernet]") {
  Supernet net(toy_slots(), Rng(1));
  disturb(*net, 2);
  const Tensor images = images_of(kLargest, 8, 3);
  const auto run = [&](double dropout, const Rng* random) {
    const torch::NoGradGuard no_grad;
    ForwardOptions options;
    options.dropout = dropout, options.random = random;
    return net->forward(images, kLargest, options);
  };
  const Rng first(5), second(6);
  const Tensor plain = run(0, nullptr);
  CHECK(torch::equal(run(0.5, &first), run(0.5, &first)));
  CHECK_FALSE(torch::equal(run(0.5, &first), run(0.5, &second)));
  CHECK_FALSE(torch::equal(run(0.5, &first), plain));
  CHECK_THROWS_AS(run(0.5, nullptr), LogicError);
  Tensor mean = torch::zeros_like(plain);
  for (std::uint64_t i = 0; i < 400; ++i) {
    const Rng rng(i);
    mean += run(0.3, &rng) / 400;
  }
  CHECK(relative_distance(mean, plain) < 0.1);
  net->eval();
  CHECK(torch::equal(run(0.5, nullptr), run(0, nullptr)));
}

TEST_CASE("drop-connect drops a block's branch for whole images and scales up the rest",
          "[supernet]") {
  // The second of three blocks, the third of which has no branch: a chance of 0.9 / 3.
  spaces::NetworkSpec net_spec = net_of_block(
      {{{6, 6, 8}}, 8, 1, Act::none, Shortcut::none, spaces::Conv{1, 1, false, false}});
  const auto add_block = [&](int slot, BlockSpec block) {
    spaces::Placed placed;
    placed.slot = slot, placed.block = std::move(block);
    net_spec.blocks.push_back(placed);
  };
  add_block(1,
            {{{6, 6, 8}}, 8, 1, Act::none, Shortcut::identity, spaces::Conv{3, 1, false, false}});
  add_block(2, {{{6, 6, 8}}, 8, 1, Act::none, Shortcut::none, spaces::Conv{1, 1, false, false}});
  Slots slots;
  slots.slots = {{"first", {net_spec.blocks[0].block}},
                 {"second", {net_spec.blocks[1].block}},
                 {"third", {net_spec.blocks[2].block}}};
  Supernet net(slots, Rng(1));
  const torch::NoGradGuard no_grad;
  const auto weight = [&](const char* name) { return net->named_parameters()[name]; };
  const Tensor images = random_images({6, 6, 8}, 200, 3);
  const Tensor shortcut = at::conv2d(images, weight("first.conv.weight"));
  const Tensor branch = at::conv2d(shortcut, weight("second.conv.weight"), {}, 1, 1);
  const Tensor last = weight("third.conv.weight");
  const Tensor dropped = at::conv2d(shortcut, last).flatten(1);
  const Tensor kept = at::conv2d(branch / 0.7 + shortcut, last).flatten(1);
  const Rng random(4);
  ForwardOptions options;
  options.drop_connect = 0.9, options.random = &random;
  const Tensor got = net->forward(images, net_spec, options);
  int drops = 0;
  for (int i = 0; i < 200; ++i) {
    const bool is_dropped = distance(got[i], dropped[i]) < 1e-4;
    drops += is_dropped;
    CHECK((is_dropped || distance(got[i], kept[i]) < 1e-4));
  }
  CHECK(drops > 40);
  CHECK(drops < 80);
}

TEST_CASE("a network that is no slice of the supernet is refused", "[supernet]") {
  const Supernet net(toy_slots(), Rng(1));
  const Tensor images = images_of(kLargest, 2, 3);
  CHECK_THROWS_WITH(
      net->forward(images, toy_net({{9, 48}})),
      ContainsSubstring("stage1.1.depthwise: expected a kernel of 7 x 7, 5 x 5, 3 x 3, got 9 x 9"));
  CHECK_THROWS_WITH(
      net->forward(images, toy_net({{7, 64}})),
      ContainsSubstring("stage1.1.expand: expected at most 48 output channels, got 64"));
  CHECK_THROWS_WITH(
      net->forward(images_of(kLargest, 2, 3).narrow(2, 0, 8), kLargest),
      ContainsSubstring("images of a batch: expected N x 3 x 12 x 12, got [2, 3, 8, 12]"));
  CHECK_THROWS_AS(net->forward(images, toy_net({{9, 48}})), ConfigError);
}
