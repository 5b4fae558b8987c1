// Every broken form of a training config.

#include "spaces/base/json_io.hpp"
#include "supernet/training/train_config.hpp"
#include "tests/support/broken_files.hpp"
#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>

using namespace lathe;
using test::BrokenFiles;
using test::Mutation;

TEST_CASE("every broken training config is refused", "[supernet][config][broken]") {
  for (const char* name : {"quickstart", "smoke"}) {
    BrokenFiles files{"train.json", read_file(std::string("configs/train/") + name + ".json"),
                      [](const auto& file) {
                        supernet::read_train_config(load_json(file, Comments::allowed), file);
                      }};
    files.code = ExitCode::usage;
    const std::vector<Mutation> fractions = {Mutation::fraction, Mutation::whole};
    // Which kinds and choices of decisions there are is the space's to say.
    const std::vector<Mutation> choices = {
        Mutation::fraction, Mutation::text,       Mutation::whole,      Mutation::minus,
        Mutation::huge,     Mutation::minus_huge, Mutation::unsigned64, Mutation::beyond};
    files.lawful = {{"/seed", {Mutation::huge}},
                    {"/collapse_below", fractions},
                    {"/phases/*/distillation", fractions},
                    {"/phases/*/open", {Mutation::misspelt}},
                    {"/phases/*/open/*/*", choices}};
    test::check_broken_files(files);
  }
}
