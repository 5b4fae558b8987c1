#include "spaces/network.hpp"

#include "spaces/base/error.hpp"
#include "tests/spaces/space_support.hpp"
#include "tests/support/catch.hpp"

using namespace lathe;
using namespace lathe::spaces;

namespace {

/// 8 x 8 x 3 -> conv to 4 x 4 x 8 -> bottleneck with shortcut -> pool -> 5 classes.
NetworkSpec small_network() {
  NetworkSpec net;
  net.input = {8, 8, 3};
  const auto place = [&](int slot, BlockSpec block) {
    Placed placed;
    placed.slot = slot;
    placed.block = std::move(block);
    net.blocks.push_back(placed);
  };
  place(0, make_block({8, 8, 3}, 8, 2, Act::relu, Shortcut::none, Conv{3}));
  place(1, make_block({4, 4, 8}, 8, 1, Act::relu, Shortcut::identity, MbConv{3, 16}));
  place(2, make_block({4, 4, 8}, 8, 1, Act::none, Shortcut::none, GlobalPool{}));
  place(3, make_block({1, 1, 8}, 5, 1, Act::none, Shortcut::none, Linear{}));
  return net;
}

}  // namespace

TEST_CASE("a network is lowered into one list with its wiring", "[spaces]") {
  const auto ops = lower(small_network());
  REQUIRE(ops.size() == 7);
  CHECK(ops[0].op.inputs == std::vector<int>{-1});
  CHECK(ops[1].op.inputs == std::vector<int>{0});
  CHECK(ops[4].op.name == "add");
  CHECK(ops[4].op.inputs == std::vector<int>{3, 0});
  CHECK(ops[5].op.inputs == std::vector<int>{4});
  CHECK(ops[6].block == 3);
  CHECK(ops[6].op.out == Shape{1, 1, 5});
}

TEST_CASE("a network's counts agree with those on paper", "[spaces]") {
  const NetworkSpec net = small_network();
  const Count all = count(net);
  // 3*8*9*16 + (8*16*16 + 16*9*16 + 16*8*16) + 8*5
  CHECK(all.macs == 3456 + 2048 + 2304 + 2048 + 40);
  // weights, 2 per channel of batch norm, the classifier's bias
  CHECK(all.params == (216 + 16) + (128 + 32) + (144 + 32) + (128 + 16) + (40 + 5));
  CHECK(count(net, {BnParams::none, false}).params == 216 + 128 + 144 + 128 + 45);
  CHECK(count(net, {BnParams::all, false}).params == 216 + 128 + 144 + 128 + 45 + 4 * 48);
  CHECK(count(net, {BnParams::affine, true}).macs == all.macs + 4 * 4 * 8);
}

TEST_CASE("the identity of a network is what it computes", "[spaces]") {
  const NetworkSpec net = small_network();
  NetworkSpec other = net;
  other.blocks[1].slot = 17;
  other.blocks[1].inputs = {0};
  other.outputs = {3};
  CHECK(network_id(other) == network_id(net));
  other.blocks[1].precision = Precision::int8;
  CHECK(network_id(other) != network_id(net));
  other = net;
  std::get<MbConv>(other.blocks[1].block.body).kernel = 5;
  CHECK(network_id(other) != network_id(net));
  other = net;
  other.blocks[2].inputs = {0};  // as deep, but past the bottleneck
  CHECK(network_id(other) != network_id(net));
}

TEST_CASE("blocks that do not fit are a bug", "[spaces]") {
  NetworkSpec net = small_network();
  net.blocks[1].block.in = {{5, 5, 8}};
  CHECK_THROWS_WITH(lower(net), ContainsSubstring("does not fit what comes before it"));
  net = small_network();
  net.blocks[0].inputs = {2};
  CHECK_THROWS_WITH(lower(net), ContainsSubstring("takes what comes after it"));
  net = small_network();
  net.outputs = {1, 3};
  CHECK_THROWS_AS(lower(net), LogicError);
  CHECK_THROWS_AS(lower(NetworkSpec{}), LogicError);
}

TEST_CASE("precisions are spelled as in files", "[spaces]") {
  for (const Precision one : {Precision::fp32, Precision::fp16, Precision::int8}) {
    CHECK(parse_precision(name_of(one), "x") == one);
  }
  CHECK_THROWS_WITH(
      parse_precision("int4", "t.json: /precision"),
      ContainsSubstring("t.json: /precision: expected one of fp32, fp16, int8, got \"int4\""));
}

TEST_CASE("peak activation memory counts what is alive", "[spaces]") {
  // The last 1x1 of the bottleneck reads 256 elements, writes 128, and its input's 128 wait for the
  // sum.
  const NetworkSpec net = small_network();
  CHECK(peak_activation_bytes(net) == 4 * (256 + 256 + 128));
  CHECK(peak_activation_bytes(net, MemoryConvention::int8) == 256 + 256 + 128);
  // In place, the depthwise output takes its input's room; the 1x1 around it then decide.
  CHECK(peak_activation_bytes(net, MemoryConvention::int8_in_place) == 256 + 128 + 128);
}

TEST_CASE("a depthwise op whose input is needed later is not in place", "[spaces]") {
  NetworkSpec net;
  net.input = {8, 8, 3};
  Placed placed;
  placed.block = make_block({8, 8, 3}, 16, 1, Act::relu, Shortcut::none, Conv{1});
  net.blocks.push_back(placed);
  placed.block = make_block({8, 8, 16}, 16, 1, Act::relu, Shortcut::identity, Universal{3, 0, 16});
  net.blocks.push_back(placed);
  // The start's output cannot overwrite what the shortcut adds: 3 tensors of 1024 in the 1x1s.
  CHECK(peak_activation_bytes(net, MemoryConvention::int8_in_place) == 3 * 1024);
}
