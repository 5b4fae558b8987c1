#include "supernet/training/checkpoint_file.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/hash.hpp"
#include "spaces/base/json_io.hpp"
#include "spaces/base/run_dir.hpp"

#include <nlohmann/json.hpp>

#include <utility>
#include <vector>

namespace lathe::supernet {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

constexpr const char* kFormat = "lathe.checkpoint";
constexpr const char* kVersion = "1";
const std::string kRestore = "restore it from a copy, or start another run";

[[noreturn]] void refuse(const std::string& where, const std::string& expected,
                         const std::string& found, const std::string& remedy = kRestore) {
  throw FormatError(Problem{where, expected, found, remedy});
}

std::vector<std::string> known_texts() {
  std::vector<std::string> names;
  for (const auto& [name, value] : checkpoint_metadata({}, {})) names.push_back(name);
  return names;
}

void check_texts(const std::map<std::string, std::string>& texts, const std::string& file) {
  const std::vector<std::string> known = known_texts();
  for (const std::string& name : known)
    if (texts.count(name) == 0)
      refuse(file + ": /__metadata__", "a checkpoint of lathe train, with the text " + name,
             "none");
  for (const auto& [name, value] : texts) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    const std::string near = nearest_word(name, known);
    refuse(file + ": /__metadata__", "the texts of a checkpoint alone", quote(name),
           near.empty() ? kRestore : "did you mean " + near);
  }
}

}  // namespace

std::map<std::string, std::string> checkpoint_metadata(const CheckpointIdentity& identity,
                                                       const TrainState& state) {
  return {{"format", kFormat},
          {"version", kVersion},
          {"space", identity.space},
          {"space_fingerprint", identity.space_fingerprint},
          {"config", identity.config},
          {"made_by", dump_json_line(to_json(build_info()))},
          {"state", dump_json_line(to_json(state))}};
}

Checkpoint parse_checkpoint(std::string bytes, const fs::path& file,
                            const std::string& space_fingerprint) {
  Checkpoint checkpoint;
  checkpoint.file = file.string();
  checkpoint.tensors = parse_safetensors(std::move(bytes), checkpoint.file);
  const auto& texts = checkpoint.tensors.metadata;
  const std::string where = checkpoint.file + ": /__metadata__/";
  // Format and version first: another version may well have other texts.
  for (const auto& [name, expected] :
       {std::make_pair("format", kFormat), std::make_pair("version", kVersion)})
    if (const auto at = texts.find(name); at != texts.end() && at->second != expected)
      refuse(where + name, expected, quote(at->second), "it was made by another version of lathe");
  check_texts(texts, checkpoint.file);
  checkpoint.identity = {texts.at("space"), texts.at("space_fingerprint"), texts.at("config")};
  if (checkpoint.identity.space_fingerprint != space_fingerprint)
    refuse(where + "space_fingerprint", space_fingerprint,
           quote(checkpoint.identity.space_fingerprint) + " of " + quote(checkpoint.identity.space),
           "the space has changed since these weights were trained");
  if (!parse_json(texts.at("made_by"), where + "made_by", Comments::refused).is_object())
    refuse(where + "made_by", "a JSON object", quote(texts.at("made_by")));
  checkpoint.state = train_state(parse_json(texts.at("state"), where + "state", Comments::refused),
                                 where + "state");
  const fs::path name = fs::path(checkpoint_name(checkpoint.state.step)).filename();
  if (file.filename() != name)
    refuse(where + "state: /step", "the step that the file is named by",
           std::to_string(checkpoint.state.step), "its name was " + name.string());
  return checkpoint;
}

Checkpoint read_checkpoint(const fs::path& file, const std::string& space_fingerprint) {
  constexpr std::uintmax_t most = std::uintmax_t(1) << 36;
  return parse_checkpoint(read_file(file, most), file, space_fingerprint);
}

std::string config_fingerprint(const fs::path& run_folder) {
  return hex(fingerprint_of(dump_json_line(RunDir::read_config(run_folder))));
}

void check_checkpoint(const Checkpoint& checkpoint, const std::string& config,
                      const TrainPlan& plan) {
  const std::string where = checkpoint.file + ": /__metadata__/";
  if (checkpoint.identity.config != config)
    refuse(where + "config", config, quote(checkpoint.identity.config),
           "the checkpoint is of another config");
  check_state(checkpoint.state, plan, where + "state");
}

}  // namespace lathe::supernet
