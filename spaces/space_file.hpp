#pragma once

#include "spaces/block.hpp"
#include "spaces/search_space.hpp"

#include <nlohmann/json_fwd.hpp>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace lathe::spaces {

// What a file of configs/spaces says, checked but not yet a space: docs/file-formats/space.md. Used
// by search_space.cpp and its neighbours only, but for describe_space_file.

/// How a width becomes a whole number of channels.
/// make_divisible: n = max(8, floor((v + 4) / 8) 8), and 8 more if n < 0.9 v (Sandler et al. 2018);
/// make_divisible_of_rounded: of v rounded to the nearest integer, halves to even (OFA);
/// round_half_up: max(8, floor(v / 8 + 0.5) 8) (MobileDets, TuNAS); truncate: floor(v), at least 1.
enum class Rounding { make_divisible, make_divisible_of_rounded, round_half_up, truncate };
double rounded(Rounding rule, double value);

/// Squeeze-and-excite's width. quarter_of_mid: make_divisible(mid / 4), the division of integers
/// (MobileNetV3, OFA); quarter_of_input: a quarter of the block's input, truncated, at least 1
/// (MnasNet, EfficientNet).
enum class SqueezeRule { quarter_of_mid, quarter_of_input };

/// What a number in a space file or a pin stands for; says which numbers are allowed.
enum class Role { width, resolution, depth, kernel, optional_kernel, ratio, flag, channels };
/// True if the number is allowed; `expected` is the text for messages.
bool is_allowed(Role role, double value);
std::string expected(Role role);

/// A number of a space file: fixed, or the choices of a decision.
struct Field {
  std::vector<double> choices;  ///< in the file's order; exactly one if fixed
  bool decides = false;
  std::optional<double> standard;  ///< what a network that leaves it out has
  int decision = -1;               ///< its index, once it has one
};

/// skip: no block where nothing changes.
enum class BlockKind { conv, mbconv, fused, tucker, universal, pool, linear, skip };
/// where_possible: an identity if stride is 1 and channels agree.
enum class ShortcutRule { none, where_possible, pooled };

/// A block whose sizes still depend on genes. A kind ignores the fields that it does not have.
struct BlockTemplate {
  BlockKind kind = BlockKind::conv;
  Field kernel, start_kernel, expand, out_ratio, squeeze;
  int groups = 1;
  bool norm = true, bias = false, keep_expand = false;
  Act act = Act::none;
  ShortcutRule shortcut = ShortcutRule::none;

  /// The numbers that may be decisions, in the order in which a space lists them.
  std::vector<std::pair<std::string, Field*>> fields();
};

struct OperatorTemplate {
  std::string name;  ///< empty where a stage has one block and no list of operators
  BlockTemplate block;
  std::optional<BlockTemplate> otherwise;  ///< in place of skip where the shape changes
};

/// How the width multiplier acts on a stage's channels: always, only if it is above 1, or never.
enum class Scaling { always, up, never };

struct StageTemplate {
  std::string name;
  bool repeated = false;  ///< has "depth": its blocks are numbered
  Field depth;
  std::optional<Field> out;  ///< none: pool and linear
  Scaling scaling = Scaling::always;
  int stride = 1;
  bool per_stage = false;                   ///< all blocks of the stage share their decisions
  std::vector<OperatorTemplate> operators;  ///< at least one
  bool chooses_operator = false;
};

/// A parameter that takes one of several words; the first is the default.
struct WordParameter {
  std::string name;
  std::vector<std::string> words;
};

enum class TextForm { named, ofa, digits };

struct SpaceFile {
  std::optional<Field> width;  ///< fixed: the default of a parameter
  Field resolution;
  int classes = 1000;
  Rounding width_rounding = Rounding::make_divisible, mid_rounding = Rounding::make_divisible;
  SqueezeRule squeeze_rule = SqueezeRule::quarter_of_mid;
  Act squeeze_act = Act::relu, squeeze_gate = Act::hsigmoid;
  double norm_epsilon = 1e-5;
  bool kernel_transform = false;
  bool separate_weights = false;
  TextForm text = TextForm::named;
  std::vector<StageTemplate> stages;
};

/// "parameters" of the file: needed before the rest can be read. Throws ConfigError.
std::vector<WordParameter> read_word_parameters(const nlohmann::json& file,
                                                const std::filesystem::path& path);

/// Every {"by": parameter, word: value, ...} replaced by the value of the parameter's word. Throws
/// ConfigError if the words are not exactly the parameter's.
nlohmann::json choose_words(const nlohmann::json& file, const std::filesystem::path& path,
                            const std::vector<WordParameter>& parameters,
                            const std::map<std::string, std::string>& chosen);

/// Every key with type, range, default and meaning, as ConfigReader::describe lists them.
std::string describe_space_file();

/// The rest, after choose_words. Throws ConfigError with file and JSON pointer.
SpaceFile read_space_file(const nlohmann::json& file, const std::filesystem::path& path);

}  // namespace lathe::spaces
