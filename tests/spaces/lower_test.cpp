#include "spaces/lower.hpp"

#include "spaces/base/error.hpp"
#include "tests/spaces/space_support.hpp"
#include "tests/support/catch.hpp"

using namespace lathe;
using namespace lathe::spaces;

namespace {

std::vector<std::string> names(const std::vector<Op>& ops) {
  std::vector<std::string> all;
  for (const Op& op : ops) all.push_back(op.name);
  return all;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("an inverted bottleneck becomes its primitives in order", "[spaces]") {
  const auto ops = lower(make_block({28, 28, 40}, 40, 1, Act::hswish, Shortcut::identity,
                                    MbConv{5, 120, true, {32, Act::relu, Act::hsigmoid}}));
  REQUIRE(names(ops) == Names{"expand", "depthwise", "se.pool", "se.reduce", "se.expand", "se.gate",
                              "project", "add"});
  CHECK(ops[0].inputs == std::vector<int>{-1});
  CHECK(ops[0].out == Shape{28, 28, 120});
  CHECK((ops[0].norm && !ops[0].bias && ops[0].act == Act::hswish));
  CHECK((ops[1].groups == 120 && ops[1].kernel.height == 5 && is_depthwise(ops[1])));
  CHECK(ops[2].out == Shape{1, 1, 120});
  CHECK((!ops[3].norm && ops[3].bias && ops[3].act == Act::relu && ops[3].out.channels == 32));
  CHECK((ops[4].bias && ops[4].act == Act::hsigmoid && ops[4].out.channels == 120));
  CHECK(ops[5].kind == OpKind::gate_multiply);
  CHECK(ops[5].inputs == std::vector<int>{4, 1});
  CHECK(ops[5].in == Shape{1, 1, 120});
  CHECK(ops[5].out == Shape{28, 28, 120});
  CHECK((ops[6].act == Act::none && ops[6].norm));
  CHECK(ops[7].inputs == std::vector<int>{6, -1});
}

TEST_CASE("other kinds become their primitives", "[spaces]") {
  const auto none = Shortcut::none;
  CHECK(names(lower(make_block({8, 8, 16}, 16, 1, Act::relu, none, MbConv{3, 16, false, {}, 2}))) ==
        Names{"shuffle", "depthwise", "project"});
  CHECK(names(lower(make_block({8, 8, 16}, 24, 2, Act::relu, none, MbConv{3, 48, true, {}, 2}))) ==
        Names{"expand", "shuffle", "depthwise", "project"});
  CHECK(names(lower(make_block({8, 8, 16}, 24, 2, Act::relu, none, Fused{3, 64, {16}}))) ==
        Names{"expand", "se.pool", "se.reduce", "se.expand", "se.gate", "project"});
  CHECK(names(lower(make_block({8, 8, 16}, 24, 2, Act::relu, none, Tucker{3, 8, 16}))) ==
        Names{"compress", "conv", "project"});
  CHECK(names(lower(make_block({8, 8, 16}, 24, 2, Act::relu, none, Universal{5, 3, 32}))) ==
        Names{"start", "expand", "middle", "project"});
  CHECK(names(lower(make_block({8, 8, 16}, 24, 1, Act::relu, none, Universal{0, 0, 32}))) ==
        Names{"expand", "project"});
  CHECK(names(lower(make_block({8, 8, 16}, 24, 2, Act::swish, Shortcut::pooled, MbConv{3, 64}))) ==
        Names{"expand", "depthwise", "project", "shortcut.pool", "shortcut.conv", "add"});
  CHECK(names(lower(make_block({8, 8, 16}, 16, 2, Act::swish, Shortcut::pooled, MbConv{3, 64}))) ==
        Names{"expand", "depthwise", "project", "shortcut.pool", "add"});
}

TEST_CASE("a universal block's stride sits in the middle depthwise if there is one", "[spaces]") {
  const auto both =
      lower(make_block({8, 8, 16}, 24, 2, Act::relu, Shortcut::none, Universal{5, 3, 32}));
  CHECK(both[0].out == Shape{8, 8, 16});
  CHECK(both[0].act == Act::none);
  CHECK(both[2].out == Shape{4, 4, 32});
  const auto start =
      lower(make_block({8, 8, 16}, 24, 2, Act::relu, Shortcut::none, Universal{5, 0, 32}));
  CHECK(start[0].out == Shape{4, 4, 16});
}

TEST_CASE("a stride-2 block on an odd map rounds up", "[spaces]") {
  const auto side = [](int in, int stride, int kernel) {
    return lower(make_block({in, in, 8}, 8, stride, Act::relu, Shortcut::none, MbConv{kernel, 24}))
        .back()
        .out.height;
  };
  CHECK(side(7, 2, 3) == 4);
  CHECK(side(7, 2, 7) == 4);
  CHECK(side(8, 2, 5) == 4);
  CHECK(side(1, 2, 3) == 1);
  CHECK(side(9, 4, 3) == 3);
}

TEST_CASE("the output's shape is known without building ops", "[spaces][property]") {
  for (const std::string& name : shipped_spaces()) {
    const SearchSpace space = load_space(name);
    for (int slot = 0; slot < space.slots(); ++slot) {
      for (const BlockSpec& block : space.slot_choices(slot)) {
        const std::vector<Op> ops = lower(block);
        REQUIRE(output_shape(block) == ops.back().out);
        for (std::size_t i = 0; i < ops.size(); ++i) {
          const int from = ops[i].inputs[0];
          REQUIRE(from < static_cast<int>(i));
          REQUIRE(ops[i].in == (from < 0 ? block.in[0] : ops[static_cast<std::size_t>(from)].out));
        }
      }
    }
  }
}

TEST_CASE("what cannot be built is a bug of the caller", "[spaces]") {
  CHECK_THROWS_AS(
      lower(make_block({8, 8, 16}, 16, 2, Act::relu, Shortcut::identity, MbConv{3, 48})),
      LogicError);
  CHECK_THROWS_WITH(lower(make_block({8, 8, 16}, 16, 1, Act::relu, Shortcut::none, MbConv{4, 48})),
                    ContainsSubstring("kernel 4 is even"));
  CHECK_THROWS_WITH(lower(make_block({8, 8, 6}, 16, 1, Act::relu, Shortcut::none, Conv{3, 4})),
                    ContainsSubstring("4 groups do not divide 6"));
}
