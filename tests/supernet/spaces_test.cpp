#include "spaces/cost.hpp"
#include "spaces/search_space.hpp"
#include "supernet/export/from_subnet.hpp"
#include "supernet/extract.hpp"
#include "supernet/sort_channels.hpp"
#include "tests/supernet/toy.hpp"
#include "tests/support/catch.hpp"

#include <torch/torch.h>

using namespace lathe;
using namespace lathe::supernet;
using spaces::SearchSpace;
using torch::Tensor;

namespace {

SearchSpace space_of(const std::string& name) {
  return SearchSpace::load(spaces::parse_space_name(name), "configs");
}

/// The largest, the smallest and `count` random networks.
std::vector<spaces::NetworkSpec> networks(const SearchSpace& space, int count) {
  std::vector<spaces::NetworkSpec> nets = {space.decode(space.largest()),
                                           space.decode(space.smallest())};
  Rng rng(11);
  for (int i = 0; i < count; ++i) nets.push_back(space.decode(space.sample(rng)));
  return nets;
}

/// Slice, extracted and folded agree for all; the reference executor for the first `references`.
void check_parity(const SearchSpace& space, int count, int references) {
  Supernet net(space, Rng(1));
  disturb(*net, 2);
  net->eval();
  const torch::NoGradGuard no_grad;
  for (const spaces::NetworkSpec& spec : networks(space, count)) {
    const Tensor images = random_images(spec.input, 2, 3);
    const Tensor slice = net->forward(images, spec);
    REQUIRE(slice.isfinite().all().item<bool>());
    CHECK(slice.size(1) == space.classes());
    const Subnet subnet = extract(*net, spec);
    CHECK(relative_distance(subnet.forward(images), slice) < 1e-5);
    CHECK(relative_distance(fold_batch_norm(subnet).forward(images), slice) < 1e-5);
    std::int64_t parameters = 0;
    for (const OpParameters& p : subnet.parameters)
      for (const Tensor& tensor : {p.weight, p.bias, p.gamma, p.beta})
        if (tensor.defined()) parameters += tensor.numel();
    CHECK(parameters == spaces::count(spec).params);
    if (references-- <= 0) continue;
    const Tensor image = images[0].contiguous();
    const float* const first = image.const_data_ptr<float>();
    const std::vector<float> reference =
        run_reference(graph_of(subnet), {first, first + image.numel()});
    CHECK(relative_distance(slice[0], torch::tensor(reference)) < 1e-5);
  }
}

}  // namespace

TEST_CASE("slice, extracted, folded and reference agree on OFA's space", "[supernet][parity]") {
  check_parity(space_of("ofa-mbv3:classes=10,resolution=64"), 20, 2);
}

TEST_CASE("slice, extracted, folded and reference agree on the tiny space", "[supernet][parity]") {
  check_parity(space_of("tiny"), 20, 22);
}

TEST_CASE("slice, extracted, folded and reference agree on every space that ships",
          "[supernet][parity][slow]") {
  for (const std::string& name : spaces::list_spaces("configs")) {
    CAPTURE(name);
    check_parity(space_of(name), 2, 1);
  }
}

TEST_CASE("a pinned space names the same weights", "[supernet]") {
  const Supernet all(space_of("tiny"), Rng(1));
  const SearchSpace tiny = space_of("tiny");
  const std::string decision = tiny.decisions().back().name;
  const std::string choice = spaces::text(tiny.decisions().back().choices.front());
  const Supernet pinned(space_of("tiny:" + decision + "=" + choice), Rng(1));
  REQUIRE(all->named_parameters().size() == pinned->named_parameters().size());
  for (const auto& item : all->named_parameters())
    CHECK(torch::equal(item.value(), pinned->named_parameters()[item.key()]));
}

TEST_CASE("trained widths are those of the open choices", "[supernet]") {
  const SearchSpace space = space_of("ofa-mbv3");
  std::vector<std::vector<int>> open;
  const auto open_widths = [&](const std::vector<double>& ratios) {
    open.clear();
    for (const spaces::Decision& decision : space.decisions()) {
      const bool is_expand = decision.name.find("expand") != std::string::npos;
      open.emplace_back();
      for (int i = 0; i < int(decision.choices.size()); ++i)
        for (const double ratio : ratios)
          if (!is_expand || decision.choices[std::size_t(i)].number == ratio) {
            open.back().push_back(i);
            break;
          }
    }
    return trained_widths(space, open);
  };
  const auto slot = [&](const std::string& name) {
    for (int i = 0; i < space.slots(); ++i)
      if (space.slot_name(i) == name) return std::size_t(i);
    FAIL("no slot " << name);
    return std::size_t(0);
  };
  // Stage 2 has 40 channels and squeeze-and-excite of a quarter of the middle width, rounded to 8.
  const auto widths = open_widths({4, 6})[slot("stage2.2")];
  CHECK(widths.mid == std::vector<int>{160, 240});
  CHECK(widths.hidden == std::vector<int>{40, 64});
  CHECK(open_widths({6})[slot("stage2.2")].mid == std::vector<int>{240});
}
