#include "supernet/training/checkpoint.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/hash.hpp"
#include "spaces/base/json_io.hpp"
#include "tests/supernet/training_run.hpp"
#include "tests/support/catch.hpp"

#include <torch/torch.h>

#include <cstring>
#include <limits>

using namespace lathe;
using namespace lathe::supernet;
using lathe::test::TrainingBench;

namespace {

/// A supernet of the toy space with momentum, saved.
struct Saved {
  TrainingBench bench;
  spaces::SearchSpace space =
      spaces::SearchSpace::load(spaces::parse_space_name("toy"), bench.configs());
  Supernet supernet{space, Rng(1)};
  Sgd sgd = make_sgd(*supernet, 0.9, 0);
  TrainState state;
  std::filesystem::path file = bench.path("checkpoints/000012.safetensors");
  std::string fingerprint = hex(space.fingerprint());

  Saved() {
    sgd.parameters[1].mutable_grad() = torch::ones_like(sgd.parameters[1]);
    step(sgd, 0.1);
    state.step = 12;
    save();
  }
  void save() { save_checkpoint(file, {"toy", fingerprint, "abc"}, *supernet, sgd, state); }

  /// Saves what `change` makes of the file's content; the words of the error when it is loaded.
  template <typename Change>
  std::string refusal(const Change& change) {
    save();
    TensorFile content = read_safetensors(file);
    change(content);
    write_safetensors(file, content);
    try {
      Supernet other(space);
      const Checkpoint checkpoint = read_checkpoint(file, fingerprint);
      load_weights(checkpoint, *other);
      Sgd sgd_of_other = make_sgd(*other, 0.9, 0);
      load_momentum(checkpoint, sgd_of_other);
    } catch (const FormatError& error) {
      return error.what();
    }
    return "loaded";
  }
};

}  // namespace

TEST_CASE("weights, statistics, momentum and state come back to the bit",
          "[supernet][checkpoint]") {
  Saved saved;
  Supernet other(saved.space);
  Sgd sgd = make_sgd(*other, 0.9, 0);
  const Checkpoint checkpoint = read_checkpoint(saved.file, saved.fingerprint);
  load_weights(checkpoint, *other);
  load_momentum(checkpoint, sgd);
  CHECK(checkpoint.state.step == 12);
  CHECK(checkpoint.identity.space == "toy");
  const auto buffers = other->named_buffers();
  for (const auto& item : saved.supernet->named_parameters())
    CHECK(torch::equal(item.value(), other->named_parameters()[item.key()]));
  for (const auto& item : saved.supernet->named_buffers())
    CHECK(torch::equal(item.value(), buffers[item.key()]));
  REQUIRE(sgd.momentum_of[1].defined());
  CHECK(torch::equal(sgd.momentum_of[1], saved.sgd.momentum_of[1]));
  CHECK_FALSE(sgd.momentum_of[0].defined());
}

TEST_CASE("the same state is the same bytes", "[supernet][checkpoint]") {
  Saved saved;
  const std::string before = read_file(saved.file);
  saved.save();
  CHECK(read_file(saved.file) == before);
}

TEST_CASE("weights, statistics and momentum that are not finite are refused by name",
          "[supernet][checkpoint]") {
  Saved saved;
  REQUIRE(saved.refusal([](TensorFile&) {}) == "loaded");
  for (const std::string& name :
       {std::string("stem.conv.weight"), std::string("stem.conv.norm.running_var"),
        "optimizer." + saved.sgd.names[1]})
    for (const float value :
         {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
      std::string bytes;
      const std::string words = saved.refusal([&](TensorFile& content) {
        for (StoredTensor& tensor : content.tensors) {
          if (tensor.name != name) continue;
          bytes = tensor.bytes;
          std::memcpy(&bytes[bytes.size() - sizeof value], &value, sizeof value);
          tensor.bytes = bytes;
        }
      });
      REQUIRE_FALSE(bytes.empty());
      CHECK_THAT(words, ContainsSubstring("000012.safetensors: " + name +
                                          ": expected finite numbers, got NaN or infinity; "
                                          "restore it from a copy"));
    }
}

TEST_CASE("a folder of checkpoints that is none is refused", "[supernet][checkpoint]") {
  const lathe::test::TempFolder folder;
  folder.write("checkpoints", "a file");
  CHECK_THROWS_WITH(newest_checkpoint(folder.path()),
                    ContainsSubstring("checkpoints: expected a folder that can be read, got Not a "
                                      "directory; check its permissions"));
}

TEST_CASE("tensors that do not fit are refused by name", "[supernet][checkpoint]") {
  Saved saved;
  const auto of = [&](const auto& change) { return saved.refusal(change); };
  const auto weight = [](TensorFile& content) {
    return std::find_if(content.tensors.begin(), content.tensors.end(),
                        [](const StoredTensor& t) { return t.name == "stem.conv.weight"; });
  };
  CHECK_THAT(of([&](TensorFile& content) { content.tensors.erase(weight(content)); }),
             ContainsSubstring("expected the tensor stem.conv.weight, got none"));
  CHECK_THAT(of([&](TensorFile& content) { weight(content)->name = "stem.conv.weigth"; }),
             ContainsSubstring("expected the tensor stem.conv.weight"));
  CHECK_THAT(of([&](TensorFile& content) {
               content.tensors.push_back({"extra", "F32", {0}, ""});
             }),
             ContainsSubstring("expected tensors of toy alone, got \"extra\""));
  CHECK_THAT(of([&](TensorFile& content) {
               content.tensors.push_back({"optimizer.extra", "F32", {0}, ""});
             }),
             ContainsSubstring("got \"optimizer.extra\"; it is of another space"));
  CHECK_THAT(of([&](TensorFile& content) {
               weight(content)->shape = {3, 8, 3, 3};
             }),
             ContainsSubstring("stem.conv.weight: expected shape [8,3,3,3], got [3,8,3,3]"));
  CHECK_THAT(of([&](TensorFile& content) { weight(content)->type = "I32"; }),
             ContainsSubstring("stem.conv.weight: expected type F32, got I32"));
}

TEST_CASE("a checkpoint with a number that is not finite is never written",
          "[supernet][checkpoint]") {
  Saved saved;
  const std::string before = read_file(saved.file);
  saved.sgd.parameters[0].data().view({-1})[0] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_WITH(saved.save(),
                    ContainsSubstring("expected finite numbers in " + saved.sgd.names[0]) &&
                        ContainsSubstring("the checkpoint before is intact"));
  CHECK(read_file(saved.file) == before);
}

TEST_CASE("the newest checkpoint is the one with the most steps", "[supernet][checkpoint]") {
  const lathe::test::TempFolder folder;
  CHECK_FALSE(newest_checkpoint(folder.path()).has_value());
  for (const std::int64_t step : {5, 999999, 1000000, 20}) folder.write(checkpoint_name(step), "x");
  folder.write("checkpoints/best.safetensors", "x");
  CHECK(newest_checkpoint(folder.path()).value() == "checkpoints/1000000.safetensors");
  remove_other_checkpoints(folder.path(), {checkpoint_name(20)});
  CHECK(newest_checkpoint(folder.path()).value() == "checkpoints/000020.safetensors");
  CHECK(std::filesystem::exists(folder.path() / "checkpoints/best.safetensors"));
}
