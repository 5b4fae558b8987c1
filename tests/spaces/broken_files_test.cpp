// Every broken form of the files that spaces/ reads.

#include "tests/support/broken_files.hpp"

#include "spaces/base/json_io.hpp"
#include "spaces/network_text.hpp"
#include "tests/spaces/space_support.hpp"
#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>

using namespace lathe;
using namespace lathe::spaces;
using test::BrokenFiles;
using test::check_broken_files;
using test::check_broken_texts;
using test::Mutation;

namespace {

/// Reads every network of a file, as the commands do with a NET.
std::function<void(const std::filesystem::path&)> reader_of(const SearchSpace& space) {
  return [space](const std::filesystem::path& file) {
    for (const NetworkArgument& one : expand_network_arguments({file.string()})) {
      parse_network(space, one.text, one.where, one.strictness);
    }
  };
}

}  // namespace

TEST_CASE("every broken space is refused", "[spaces][config][broken]") {
  for (const char* name : {"tiny", "nas-bench-macro", "mobilenet-v2"}) {
    BrokenFiles files{"space.json", read_file(std::string("configs/spaces/") + name + ".json"),
                      [](const auto& file) {
                        SearchSpace::load({file.string(), {}}, "configs");
                      }};
    files.code = ExitCode::usage;
    // Expansions are ratios; stages of the form "ofa" have depth, kernel and expansion as choices.
    files.lawful = {{"/stages/*/expand/*", {Mutation::fraction, Mutation::whole}},
                    {"/operators/*/expand", {Mutation::fraction, Mutation::whole}}};
    const std::vector<Mutation> large = {Mutation::huge, Mutation::unsigned64, Mutation::beyond};
    files.elsewhere = {{"/width", large}, {"/width/choices/*", large}};  // by the channels
    const std::vector<Mutation> fixed = {Mutation::integer, Mutation::fraction};
    if (name == std::string("tiny")) {
      for (const char* key : {"depth", "kernel", "expand"}) {
        files.elsewhere.push_back({std::string("/stages/*/") + key, fixed});
      }
    } else {
      files.lawful.push_back({"/stages/*/expand", {Mutation::fraction, Mutation::whole}});
      files.lawful.push_back({"/width", {Mutation::integer, Mutation::fraction}});
    }
    check_broken_files(files);
  }
}

TEST_CASE("every broken network of our JSON is refused", "[spaces][broken]") {
  const std::string text = R"({"format": "lathe.architecture", "version": 1, "space": "tiny",
    "decisions": {"resolution": 28, "stage1.depth": 1, "stage1.1.kernel": 5, "stage1.1.expand": 3,
      "stage2.depth": 2, "stage2.1.kernel": 3, "stage2.1.expand": 4, "stage2.2.kernel": 7,
      "stage2.2.expand": 2, "stage3.depth": 1, "stage3.1.kernel": 3, "stage3.1.expand": 4}})";
  BrokenFiles files{"net.json", text, reader_of(load_space("tiny"))};
  for (const char* block : {"stage1.1", "stage2.1", "stage2.2", "stage3.1"}) {
    files.lawful.push_back({std::string("/decisions/") + block + ".expand", {Mutation::fraction}});
  }
  check_broken_files(files);
}

TEST_CASE("every broken object of decisions is refused", "[spaces][broken]") {
  BrokenFiles files{"net.json", R"({"width": 1.3, "resolution": 224})",
                    reader_of(load_space("mobilenet-v2"))};
  files.lawful = {{"", {Mutation::object}}};  // every decision has a standard
  check_broken_files(files);
}

TEST_CASE("every broken OFA dictionary is refused", "[spaces][broken]") {
  BrokenFiles files{"net.json",
                    R"({"ks": [3, 3, 3, 5, 5, 5, 7, 7, 7], "e": [2, 2, 2, 3, 3, 3, 4, 4, 4],
                        "d": [3, 3, 3], "r": [28]})",
                    reader_of(load_space("tiny"))};
  files.lawful = {{"/e/*", {Mutation::fraction}}};
  check_broken_files(files);
}

TEST_CASE("every broken file of networks, one a line, is refused", "[spaces][broken]") {
  check_broken_texts(
      {"nets.jsonl", "\"12012012\"\n\"00000000\"\n", reader_of(load_space("nas-bench-macro"))},
      {
          {"", "empty"},
          {" \n ", "empty"},
          {"\"12012012\"\n\"0000000\n", "nets.jsonl:2"},
          {"\"12012012\"\n0000\n", "nets.jsonl:2"},
          {"\"12012013\"\n", "nets.jsonl:1"},
          {"12012012\n1201201200000000000000000000\n", "nets.jsonl:2"},
          {"12012012\n-2012012\n", "nets.jsonl:2"},
          {"12012012\n\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\n", "nets.jsonl:2"},
          {"\"12012012\"\n7\n", "nets.jsonl:2"},
          {"\"12012012\"\n\"\"\n", "nets.jsonl:2"},
          {"\"12012012\" 1\n", "nets.jsonl:1"},
          {"\"12012012\"\nnull\n", "nets.jsonl:2"},
          {"{\"stage1.1.op\": \"identity\"}\n[1]\n", "nets.jsonl:1"},
          {"[]", "an empty list"},
          {"[\"12012012\"", ": line 1"},
          {"[\"12012012\", 7]", ": /1"},
          {"[\"12012012\", null]", ": /1"},
          {"[\"12012012\", true]", ": /1"},
          {"[\"12012012\", []]", ": /1"},
          {"[\"12012012\", \"1201201\"]", ": /1"},
          {"[\"12012012\", {\"stage1.1.opp\": \"identity\"}]", "did you mean stage1.1.op"},
          {"[\"12012012\", {\"stage1.1.op\": \"identitty\"}]", "did you mean identity"},
      });
}

TEST_CASE("every broken file of one-line networks is refused", "[spaces][broken]") {
  check_broken_texts({"nets.jsonl", "r28 k5e3 / k3e4 k7e2 / k3e4\n", reader_of(load_space("tiny"))},
                     {
                         {"", "empty"},
                         {"r28", "stage"},
                         {"r28 k5e3 / k3e4", "stages"},
                         {"r28 k5e3 / k3e4 / k3e4 / k3e4", "stages"},
                         {"r28 k5e3 / / k3e4", "at least one block"},
                         {"r28 k5e3 k5e3 k5e3 k5e3 / k3e4 / k3e4", "at most 3 blocks"},
                         {"28 k5e3 / k3e4 / k3e4", "the resolution first"},
                         {"rNaN k5e3 / k3e4 / k3e4", "the resolution first"},
                         {"rinf k5e3 / k3e4 / k3e4", "the resolution first"},
                         {"r28.5 k5e3 / k3e4 / k3e4", "resolution"},
                         {"r-28 k5e3 / k3e4 / k3e4", "resolution"},
                         {"r1000000000000000000 k5e3 / k3e4 / k3e4", "resolution"},
                         {"r1e400 k5e3 / k3e4 / k3e4", "resolution"},
                         {"r28 k4e3 / k3e4 / k3e4", "stage1.1.kernel"},
                         {"r28 k5 / k3e4 / k3e4", "k5"},
                         {"r28 k5e-3 / k3e4 / k3e4", "nets.jsonl:1"},
                         {"r28 k5e1000000000000000000 / k3e4 / k3e4", "nets.jsonl:1"},
                         {"r28 k5e3x / k3e4 / k3e4", "nets.jsonl:1"},
                         {"r28 \xFF / k3e4 / k3e4", "\\xff"},
                     });
}

TEST_CASE("every broken name=value network is refused", "[spaces][broken]") {
  check_broken_texts(
      {"nets.jsonl", "width=1.3 resolution=224\n", reader_of(load_space("mobilenet-v2"))},
      {
          {"width", "name=value"},
          {"width=", "name=value"},
          {"=1", "name=value"},
          {"width=1.3 width=1.4", "one value"},
          {"widht=1.3", "did you mean width"},
          {"width=nan", "width"},
          {"width=inf", "width"},
          {"width=-1", "width"},
          {"width=0", "width"},
          {"width=1e400", "width"},
          {"width=1e18", "width"},
          {"resolution=224.5", "resolution"},
          {"resolution=1000000000000000000", "resolution"},
          {"resolution=-1", "resolution"},
          {"resolution=0x10", "resolution"},
      });
}
