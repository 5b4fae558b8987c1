#include "spaces/block.hpp"

#include "spaces/base/error.hpp"
#include "tests/spaces/space_support.hpp"
#include "tests/support/catch.hpp"

using namespace lathe;
using namespace lathe::spaces;

namespace {

/// One block of every kind and option, with its key.
std::vector<std::pair<std::string, BlockSpec>> examples() {
  const Squeeze se{32, Act::relu, Act::hsigmoid};
  const auto id = Shortcut::identity, none = Shortcut::none, pooled = Shortcut::pooled;
  return {
      {"mbconv 28x28x40 > 40 k5 m120 s1 se32 relu hsigmoid relu id",
       make_block({28, 28, 40}, 40, 1, Act::relu, id, MbConv{5, 120, true, se})},
      {"mbconv 112x112x16 > 16 k3 m16 s1 noexpand relu id",
       make_block({112, 112, 16}, 16, 1, Act::relu, id, MbConv{3, 16, false})},
      {"mbconv 14x14x64 > 112 k3 m192 s2 g2 relu",
       make_block({14, 14, 64}, 112, 2, Act::relu, none, MbConv{3, 192, true, {}, 2})},
      {"conv 224x224x3 > 16 k3 s2 hswish",
       make_block({224, 224, 3}, 16, 2, Act::hswish, none, Conv{3})},
      {"conv 1x1x960 > 1280 k1 s1 nonorm bias hswish",
       make_block({1, 1, 960}, 1280, 1, Act::hswish, none, Conv{1, 1, false, true})},
      {"conv 8x4x8 > 16 k3 s1 g4 none", make_block({8, 4, 8}, 16, 1, Act::none, none, Conv{3, 4})},
      {"fused 128x128x32 > 48 k3 m128 s2 se16 relu hsigmoid relu",
       make_block({128, 128, 32}, 48, 2, Act::relu, none, Fused{3, 128, {16}})},
      {"tucker 40x40x32 > 32 k3 i8 o24 s1 relu6 id",
       make_block({40, 40, 32}, 32, 1, Act::relu6, id, Tucker{3, 8, 24})},
      {"universal 28x28x64 > 96 a5 k3 m192 s2 relu pooled",
       make_block({28, 28, 64}, 96, 2, Act::relu, pooled, Universal{5, 3, 192})},
      {"universal 14x14x96 > 96 a0 k0 m192 s1 relu id",
       make_block({14, 14, 96}, 96, 1, Act::relu, id, Universal{0, 0, 192})},
      {"pool 7x7x960 > 960", make_block({7, 7, 960}, 960, 1, Act::none, none, GlobalPool{})},
      {"linear 1x1x1280 > 1000 none", make_block({1, 1, 1280}, 1000, 1, Act::none, none, Linear{})},
      {"linear 1x1x8 > 4 nobias none", make_block({1, 1, 8}, 4, 1, Act::none, none, Linear{false})},
  };
}

}  // namespace

TEST_CASE("every kind of block has the key that its fields say", "[spaces]") {
  for (const auto& [text, block] : examples()) {
    CHECK(key(block) == text);
    CHECK(key(parse_key(text, "table.json")) == text);
  }
}

TEST_CASE("the key leaves out what changes nothing", "[spaces]") {
  BlockSpec block = make_block({28, 28, 40}, 40, 1, Act::relu, Shortcut::identity, MbConv{5, 120});
  const std::string plain = key(block);
  block.shortcut = Shortcut::pooled;  // neither pools nor projects here
  CHECK(key(block) == plain);
  std::get<MbConv>(block.body).se = {0, Act::swish, Act::sigmoid};
  CHECK(key(block) == plain);
  block.stride = 2;
  CHECK(key(block) != plain);
}

TEST_CASE("all blocks of all spaces read back from their keys", "[spaces][property]") {
  std::size_t blocks = 0;
  for (const std::string& name : shipped_spaces()) {
    const SearchSpace space = load_space(name);
    for (int slot = 0; slot < space.slots(); ++slot) {
      for (const BlockSpec& block : space.slot_choices(slot)) {
        const std::string text = key(block);
        const BlockSpec read = parse_key(text, "test");
        REQUIRE(key(read) == text);
        REQUIRE(read.in == block.in);
        REQUIRE(read.out_channels == block.out_channels);
        REQUIRE(read.stride == block.stride);
        REQUIRE(read.act == block.act);
        REQUIRE(read.shortcut == block.shortcut);
        REQUIRE(read.body.index() == block.body.index());
        ++blocks;
      }
    }
  }
  CHECK(blocks > 1000);
}

TEST_CASE("a key that is no key is refused with its place", "[spaces]") {
  const auto refuses = [](const std::string& text, const std::string& words) {
    INFO(text);
    CHECK_THROWS_WITH(parse_key(text, "t.json: /entries/3"),
                      ContainsSubstring("t.json: /entries/3") && ContainsSubstring(words));
    CHECK_THROWS_AS(parse_key(text, "t.json"), FormatError);
  };
  refuses("",
          "expected a kind (conv, mbconv, fused, tucker, universal, pool, linear), got the end");
  refuses("mbconf 28x28x40 > 40 k5 m120 s1 relu", "got \"mbconf\"");
  refuses("conv 224x224 > 16 k3 s2 hswish", "expected shapes as HEIGHTxWIDTHxCHANNELS");
  refuses("conv 224x224x3 16 k3 s2 hswish", "expected >, got \"16\"");
  refuses("conv 224x224x3 > 16 k3 hswish", "expected sN (stride), got \"hswish\"");
  refuses("conv 224x224x3 > 16 k3 s2 swoosh", "expected one of none, relu, relu6, hswish");
  refuses("conv 224x224x3 > 16 k3 s2 relu extra", "expected the end, got \"extra\"");
  refuses("conv 224x224x3 > 16 k4 s2 relu", "kernel 4 is even");
  refuses("conv 224x224x3 > 16 k3 s2 id", "expected one of none, relu");
  refuses("conv 224x224x3 > 16 k3 s2 relu id", "an identity shortcut would join two shapes");
  refuses("conv 224x224x3 > 99999 k3 s2 relu", "output channels 99999 is not in [1, 32768]");
  refuses("conv 224x224x3 > 99999999999 k3 s2 relu", "expected N (output channels)");
  refuses("conv  224x224x3 > 16 k3 s2 relu",
          "the canonical spelling \"conv 224x224x3 > 16 k3 s2 relu\"");
  refuses("conv 224x224x3 > 16 k3 s2 g1 relu", "the canonical spelling");
}

TEST_CASE("what cannot be built is said in words", "[spaces]") {
  const auto none = Shortcut::none;
  CHECK(problem_with(make_block({8, 8, 16}, 16, 1, Act::relu, none, MbConv{3, 24, false})) ==
        "mid width 24 without an expansion differs from the input's 16");
  CHECK(problem_with(make_block({8, 8, 6}, 16, 1, Act::relu, none, Conv{3, 4})) ==
        "4 groups do not divide 6 and 16 channels");
  CHECK(problem_with(make_block({8, 8, 16}, 16, 2, Act::relu, none, Universal{0, 0, 32})) ==
        "stride 2 without a depthwise kernel to carry it");
  CHECK(problem_with(make_block({8, 8, 16}, 16, 1, Act::none, none, Linear{})) ==
        "a linear layer needs a 1 x 1 map");
  CHECK(problem_with(make_block({8, 8, 16}, 8, 1, Act::none, none, GlobalPool{})) ==
        "a pool cannot change the channels");
  CHECK(problem_with(make_block({8, 8, 16}, 16, 4, Act::relu, Shortcut::pooled, MbConv{3, 48})) ==
        "a pooled shortcut has stride 1 or 2, not 4");
  CHECK(problem_with(make_block({0, 8, 16}, 16, 1, Act::relu, none, Conv{1})) ==
        "a map's side of 0 is not in [1, 8192]");
  CHECK(problem_with(BlockSpec{}) == "a block of this kind has one input");
}
