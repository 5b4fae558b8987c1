#include "spaces/space_file.hpp"

#include "spaces/base/config_reader.hpp"
#include "spaces/base/error.hpp"
#include "spaces/base/json_io.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

namespace lathe::spaces {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxChoices = 255;  // a gene is one byte

/// Words of the file and what they stand for, in one list each.
template <typename T>
using WordList = std::vector<std::pair<std::string, T>>;

const WordList<BlockKind>& block_kinds() {
  static const WordList<BlockKind> words = {
      {"conv", BlockKind::conv},           {"mbconv", BlockKind::mbconv},
      {"fused", BlockKind::fused},         {"tucker", BlockKind::tucker},
      {"universal", BlockKind::universal}, {"pool", BlockKind::pool},
      {"linear", BlockKind::linear},       {"skip", BlockKind::skip}};
  return words;
}

const WordList<Act>& acts() {
  static const WordList<Act> words = [] {
    WordList<Act> all;
    for (const Act act :
         {Act::none, Act::relu, Act::relu6, Act::hswish, Act::swish, Act::hsigmoid, Act::sigmoid}) {
      all.emplace_back(name_of(act), act);
    }
    return all;
  }();
  return words;
}

template <typename T>
void read_word(ConfigReader& r, const std::string& key, T& value, const WordList<T>& list,
               const std::string& meaning) {
  std::vector<std::string> words;
  std::string word;
  for (const auto& [text, meant] : list) {
    words.push_back(text);
    if (meant == value) word = text;
  }
  r.word(key, word, words, meaning);
  for (const auto& [text, meant] : list) {
    if (text == word) value = meant;
  }
}

std::string found_text(const json& value) { return value.is_null() ? "nothing" : value.dump(); }

/// One number of a Field, JSON's true and false for flags.
double read_number(const ConfigReader& r, const std::string& key, const json& value, Role role) {
  const bool right_type = role == Role::flag ? value.is_boolean() : value.is_number();
  if (!right_type) r.refuse(key, expected(role), found_text(value));
  const double number = value.is_boolean() ? double(value.get<bool>()) : value.get<double>();
  const bool whole = role != Role::width && role != Role::ratio && role != Role::flag;
  if (!is_allowed(role, number) || (whole && !value.is_number_integer())) {
    r.refuse(key, expected(role), found_text(value));
  }
  return number;
}

void read_choices(const ConfigReader& r, const std::string& key, const json& list, Role role,
                  Field& field) {
  if (!list.is_array() || list.empty() || list.size() > kMaxChoices) {
    r.refuse(key,
             "a list of 1 to " + std::to_string(kMaxChoices) + " choices, each " + expected(role),
             list.is_array() ? "a list of " + std::to_string(list.size()) : found_text(list));
  }
  field.decides = true;
  field.choices.clear();
  for (const json& one : list) {
    const double number = read_number(r, key, one, role);
    if (std::count(field.choices.begin(), field.choices.end(), number) > 0) {
      r.refuse(key, "different choices", found_text(one) + " twice");
    }
    field.choices.push_back(number);
  }
}

/// A number, or a list of numbers: the choices of a decision.
void read_field(ConfigReader& r, const std::string& key, Field& field, Role role,
                const std::string& meaning) {
  json value;
  r.any(key, value, expected(role) + " or a list of choices: " + meaning);
  if (value.is_null() && !r.has(key)) return;
  if (value.is_array()) {
    read_choices(r, key, value, role, field);
  } else {
    field.choices = {read_number(r, key, value, role)};
  }
}

/// The keys of read_axis_choices, of which a file has some.
void describe_axis(ConfigReader& r, Role role) {
  json any;
  int number = 0;
  r.any("choices", any, "the choices of a decision, each " + expected(role));
  if (role == Role::resolution) {
    r.required().integer("from", number, {8, 4096}, "in place of choices: the least");
    r.required().integer("to", number, {8, 4096}, "the most");
    r.required().integer("step", number, {1, 4096}, "between neighbours");
  }
  r.any("default", any, "what a network has that does not say");
}

/// "choices" or "from", "to", "step"; and "default".
void read_axis_choices(ConfigReader& r, Role role, Field& field) {
  if (r.describing()) return describe_axis(r, role);
  json choices, standard;
  if (r.has("choices") || role != Role::resolution || !r.has("from")) {
    r.required().any("choices", choices, "the choices");
  } else {
    int from = 0, to = 0, step = 1;
    r.required().integer("from", from, {8, 4096}, "the least");
    r.required().integer("to", to, {8, 4096}, "the most");
    r.required().integer("step", step, {1, 4096}, "between neighbours");
    if (to < from || (to - from) % step != 0) {
      r.refuse("to", "from plus a multiple of step", std::to_string(to));
    }
    choices = json::array();
    for (int value = from; value <= to; value += step) choices.push_back(value);
  }
  read_choices(r, "choices", choices, role, field);
  r.any("default", standard, "what a network has that does not say");
  if (!r.has("default")) return;
  field.standard = read_number(r, "default", standard, role);
  if (std::count(field.choices.begin(), field.choices.end(), *field.standard) == 0) {
    r.refuse("default", "one of the choices", found_text(standard));
  }
}

/// width or resolution: a number, or an object that makes it a decision.
Field read_axis(ConfigReader& r, const json& file, const std::string& key, Role role,
                const std::string& meaning) {
  Field field;
  if (r.describing() || (file.contains(key) && file[key].is_object())) {
    r.object(
        key, [&](ConfigReader& axis) { read_axis_choices(axis, role, field); }, meaning);
    return field;
  }
  json value;
  r.any(key, value, meaning);
  if (r.has(key)) field.choices = {read_number(r, key, value, role)};
  return field;
}

bool has_mid(BlockKind kind) {
  return kind == BlockKind::mbconv || kind == BlockKind::fused || kind == BlockKind::tucker ||
         kind == BlockKind::universal;
}

/// The keys of every kind, each once.
void describe_block_fields(ConfigReader& r, BlockTemplate& block) {
  read_word(r.required(), "act", block.act, acts(),
            "all but skip, pool and linear: activation of all but the projection");
  json any;
  const auto field = [&](const char* key, Role role, const std::string& meaning) {
    r.any(key, any, meaning + ": " + expected(role) + ", or a list of choices");
  };
  r.required();
  field("kernel", Role::kernel,
        "where act is: of the (middle) spatial convolution, in universal perhaps 0 for none");
  r.required();
  field("start_kernel", Role::optional_kernel,
        "universal: of the depthwise convolution before the expansion, 0 for none");
  r.required();
  field("expand", Role::ratio, "mbconv, fused, tucker, universal: mid width over input width");
  r.required();
  field("out_ratio", Role::ratio, "tucker: second mid width over output width");
  field("se", Role::flag, "mbconv, fused: squeeze-and-excite");
  r.integer("groups", block.groups, {1, 32768},
            "conv: of the convolution; mbconv: of both 1x1 convolutions");
  r.boolean("norm", block.norm, "conv: whether batch norm follows");
  r.boolean("bias", block.bias, "conv, linear: whether it has a bias; linear has if not said");
  r.boolean("keep_expand", block.keep_expand,
            "mbconv: expand even where mid and input widths agree");
  std::string shortcut = "identity";
  r.word("shortcut", shortcut, {"none", "identity", "pooled"},
         "where act is: identity where stride is 1 and channels agree; conv has none if not said");
}

/// The keys of one kind, all in the object that r reads.
void read_block_fields(ConfigReader& r, BlockTemplate& block) {
  if (r.describing()) return describe_block_fields(r, block);
  const BlockKind kind = block.kind;
  if (kind == BlockKind::skip || kind == BlockKind::pool) return;
  if (kind == BlockKind::linear) {
    block.bias = true;
    r.boolean("bias", block.bias, "whether it has a bias");
    return;
  }
  read_word(r.required(), "act", block.act, acts(), "activation of all but the projection");
  const Role kernel_role = kind == BlockKind::universal ? Role::optional_kernel : Role::kernel;
  block.kernel.choices = {1};
  read_field(r.required(), "kernel", block.kernel, kernel_role,
             "of the (middle) spatial convolution");
  if (kind == BlockKind::conv) {
    r.integer("groups", block.groups, {1, 32768}, "of the convolution");
    r.boolean("norm", block.norm, "whether batch norm follows");
    r.boolean("bias", block.bias, "whether it has a bias");
  }
  if (kind == BlockKind::universal) {
    block.start_kernel.choices = {0};
    read_field(r.required(), "start_kernel", block.start_kernel, Role::optional_kernel,
               "of the depthwise convolution before the expansion, 0: none");
  }
  if (has_mid(kind)) {
    read_field(r.required(), "expand", block.expand, Role::ratio, "mid width over input width");
    block.shortcut = ShortcutRule::where_possible;
  }
  if (kind == BlockKind::tucker) {
    read_field(r.required(), "out_ratio", block.out_ratio, Role::ratio,
               "second mid width over output width");
  }
  if (kind == BlockKind::mbconv) {
    r.integer("groups", block.groups, {1, 32768}, "of both 1x1 convolutions");
    r.boolean("keep_expand", block.keep_expand, "expand even where mid and input widths agree");
  }
  if (kind == BlockKind::mbconv || kind == BlockKind::fused) {
    block.squeeze.choices = {0};
    read_field(r, "se", block.squeeze, Role::flag, "squeeze-and-excite");
  }
  read_word(r, "shortcut", block.shortcut,
            WordList<ShortcutRule>{{"none", ShortcutRule::none},
                                   {"identity", ShortcutRule::where_possible},
                                   {"pooled", ShortcutRule::pooled}},
            "identity: where stride is 1 and channels agree");
}

void read_block(ConfigReader& r, BlockTemplate& block) {
  read_word(r.required(), "block", block.kind, block_kinds(),
            "kind of block; a stage has it or operators");
  read_block_fields(r, block);
}

void check_name(const ConfigReader& r, const std::string& name) {
  if (r.describing()) return;
  const bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
  if (!plain) r.refuse("name", "a name of a-z, 0-9 and _", "\"" + name + "\"");
}

std::vector<OperatorTemplate> read_operators(ConfigReader& r) {
  std::vector<OperatorTemplate> all;
  const auto read_one = [&](ConfigReader& o, std::size_t) {
    OperatorTemplate one;
    o.required().string("name", one.name, "what stages and networks call it");
    check_name(o, one.name);
    for (const auto& other : all) {
      if (other.name == one.name)
        o.refuse("name", "a name not used before", "\"" + one.name + "\"");
    }
    read_block(o, one.block);
    for (const auto& [key, field] : one.block.fields()) {
      if (field->decides) o.refuse(key, "one number, as the operator is the choice", "a list");
    }
    o.object(
        "otherwise",
        [&](ConfigReader& other) {
          if (other.describing()) return;  // the same keys again
          one.otherwise.emplace();
          read_block(other, *one.otherwise);
        },
        "what stands in place of skip where the shape changes: block and its keys");
    if (one.otherwise && one.block.kind != BlockKind::skip && !o.describing()) {
      o.refuse("otherwise", "nothing, as only skip needs it", "an object");
    }
    all.push_back(std::move(one));
  };
  r.objects("operators", read_one, "blocks that stages choose among, by name");
  return all;
}

void read_stage_operators(ConfigReader& r, const std::vector<OperatorTemplate>& known,
                          StageTemplate& stage) {
  std::vector<std::string> chosen, names;
  if (r.describing())
    r.strings("operators", chosen, "names of operators: every block is one of them; else block");
  if (!r.has("operators")) {
    if (!r.describing() && !r.has("block")) r.refuse("", "a key block or operators", "neither");
    stage.operators.emplace_back();
    read_block(r, stage.operators[0].block);
    return;
  }
  stage.chooses_operator = true;
  for (const auto& one : known) names.push_back(one.name);
  r.strings("operators", chosen, "names of operators: every block is one of them");
  if (chosen.empty() || chosen.size() > kMaxChoices)
    r.refuse("operators", "1 to 255 names", "none");
  for (const std::string& name : chosen) {
    const auto at = std::find(names.begin(), names.end(), name);
    if (at == names.end()) {
      const std::string near = nearest_word(name, names);
      r.refuse("operators", "names of the file's operators", "\"" + name + "\"",
               near.empty() ? "" : "did you mean " + near);
    }
    if (std::count(chosen.begin(), chosen.end(), name) > 1) {
      r.refuse("operators", "different names", "\"" + name + "\" twice");
    }
    stage.operators.push_back(known[static_cast<std::size_t>(at - names.begin())]);
  }
}

StageTemplate read_stage(ConfigReader& r, const std::vector<OperatorTemplate>& operators) {
  StageTemplate stage;
  r.required().string("name", stage.name, "of the stage and its weights");
  check_name(r, stage.name);
  stage.repeated = r.has("depth");
  stage.depth.choices = {1};
  read_field(r, "depth", stage.depth, Role::depth, "blocks in the stage, the first ones kept");
  read_stage_operators(r, operators, stage);
  const BlockKind kind = stage.operators[0].block.kind;
  const bool sized = r.describing() || stage.chooses_operator ||
                     (kind != BlockKind::pool && kind != BlockKind::linear);
  if (kind == BlockKind::skip && !stage.chooses_operator) {
    r.refuse("block", "a kind that computes something", "\"skip\"");
  }
  if (!sized) return stage;
  r.required();
  read_field(r, "out", stage.out.emplace(), Role::channels,
             "channels before the width multiplier; pool and linear have none");
  r.integer("stride", stage.stride, {1, 8}, "of the stage's first block");
  read_word(r, "scale", stage.scaling,
            WordList<Scaling>{
                {"always", Scaling::always}, {"up", Scaling::up}, {"never", Scaling::never}},
            "whether the width multiplier acts; up: only above 1");
  std::string decide = "block";
  r.word("decide", decide, {"block", "stage"}, "who has decisions: every block, or all together");
  stage.per_stage = decide == "stage";
  if (stage.per_stage && stage.chooses_operator) {
    r.refuse("decide", "\"block\", as every block chooses its operator", "\"stage\"");
  }
  return stage;
}

void read_rules(ConfigReader& r, SpaceFile& space) {
  const WordList<Rounding> roundings = {
      {"make_divisible", Rounding::make_divisible},
      {"make_divisible_of_rounded", Rounding::make_divisible_of_rounded},
      {"round_half_up", Rounding::round_half_up},
      {"truncate", Rounding::truncate}};
  r.object(
      "rounding",
      [&](ConfigReader& rules) {
        read_word(rules, "width", space.width_rounding, roundings,
                  "of channels times the multiplier");
        read_word(rules, "mid", space.mid_rounding, roundings, "of input channels times expand");
      },
      "how widths become whole");
  r.object(
      "squeeze",
      [&](ConfigReader& se) {
        read_word(se, "width", space.squeeze_rule,
                  WordList<SqueezeRule>{{"quarter_of_mid", SqueezeRule::quarter_of_mid},
                                        {"quarter_of_input", SqueezeRule::quarter_of_input}},
                  "its hidden width");
        read_word(se, "act", space.squeeze_act, acts(), "after the first 1x1");
        read_word(se, "gate", space.squeeze_gate, acts(), "after the second 1x1");
      },
      "squeeze-and-excite");
}

void read_parameter_list(ConfigReader& r, std::vector<WordParameter>& parameters) {
  const std::set<std::string> reserved = {"width", "resolution", "classes", "precision"};
  const auto read_one = [&](ConfigReader& each, std::size_t) {
    WordParameter one;
    each.required().string("name", one.name, "as typed after the space's name");
    each.required().strings("words", one.words, "what it can be; the first is the default");
    if (each.describing()) return;
    check_name(each, one.name);
    const bool known =
        reserved.count(one.name) > 0 ||
        std::any_of(parameters.begin(), parameters.end(),
                    [&](const WordParameter& other) { return other.name == one.name; });
    if (known) each.refuse("name", "a name not used before", "\"" + one.name + "\"");
    const std::set<std::string> different(one.words.begin(), one.words.end());
    if (one.words.empty() || different.size() != one.words.size() || different.count("by") > 0) {
      each.refuse("words", "different words, none of them \"by\"", json(one.words).dump());
    }
    parameters.push_back(std::move(one));
  };
  r.objects("parameters", read_one,
            "word parameters: {\"by\": NAME, WORD: value, ...} is the value of NAME's word");
}

void read_space(ConfigReader& r, const json& file, SpaceFile& space) {
  r.header("lathe.space", 1);
  json parameters;
  std::vector<WordParameter> described;
  if (r.describing()) {
    read_parameter_list(r, described);
  } else {
    r.any("parameters", parameters, "word parameters, read first");
  }
  Field width =
      read_axis(r, file, "width", Role::width,
                "multiplier of channels: a number, or an object that makes it a decision");
  if (r.has("width")) space.width = std::move(width);
  r.required();
  space.resolution =
      read_axis(r, file, "resolution", Role::resolution,
                "side of the image in px: a number, or an object that makes it a decision");
  r.integer("classes", space.classes, {1, 32768}, "outputs of linear stages; a parameter");
  read_rules(r, space);
  r.number("norm_epsilon", space.norm_epsilon, {1e-8, 0.1}, "added to batch norm's variance");
  r.boolean("kernel_transform", space.kernel_transform,
            "smaller kernels by learned matrices, else by their centre");
  std::string weights = "shared";
  r.word("weights", weights, {"shared", "separate"}, "of the operators at one place");
  space.separate_weights = weights == "separate";
  read_word(r, "text", space.text,
            WordList<TextForm>{
                {"named", TextForm::named}, {"ofa", TextForm::ofa}, {"digits", TextForm::digits}},
            "the one-line form of networks");
  const std::vector<OperatorTemplate> operators = read_operators(r);
  std::set<std::string> names = {"width", "resolution", "classes", "precision"};
  r.required().objects(
      "stages",
      [&](ConfigReader& stage, std::size_t) {
        space.stages.push_back(read_stage(stage, operators));
        const std::string& name = space.stages.back().name;
        if (!names.insert(name).second) {
          stage.refuse("name", "a name not used before", "\"" + name + "\"");
        }
      },
      "from the image to the classes");
  if (space.stages.empty() && !r.describing()) r.refuse("stages", "at least one stage", "none");
}

}  // namespace

std::vector<std::pair<std::string, Field*>> BlockTemplate::fields() {
  std::vector<std::pair<std::string, Field*>> all;
  const auto add = [&](const char* name, Field& field) {
    if (!field.choices.empty()) all.emplace_back(name, &field);
  };
  add("start_kernel", start_kernel);
  add("kernel", kernel);
  add("expand", expand);
  add("out_ratio", out_ratio);
  add("se", squeeze);
  return all;
}

std::vector<WordParameter> read_word_parameters(const json& file,
                                                const std::filesystem::path& path) {
  std::vector<WordParameter> parameters;
  if (!file.is_object() || !file.contains("parameters")) return parameters;
  ConfigReader::read(json{{"parameters", file["parameters"]}}, path, Strictness::config,
                     [&](ConfigReader& r) { read_parameter_list(r, parameters); });
  return parameters;
}

std::string describe_space_file() {
  return ConfigReader::describe([](ConfigReader& r) {
    SpaceFile space;
    read_space(r, json::object(), space);
  });
}

SpaceFile read_space_file(const json& file, const std::filesystem::path& path) {
  SpaceFile space;
  ConfigReader::read(file, path, Strictness::config,
                     [&](ConfigReader& r) { read_space(r, file, space); });
  return space;
}

}  // namespace lathe::spaces
