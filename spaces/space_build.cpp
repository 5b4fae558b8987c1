#include "spaces/base/error.hpp"
#include "spaces/space_data.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <set>

namespace lathe::spaces {
namespace {

using Settings = std::vector<std::pair<std::string, std::string>>;

std::size_t at(int value) { return static_cast<std::size_t>(value); }

/// Takes settings out of a list as they are used; what is left is unknown.
struct SettingList {
  std::string space;
  Settings left;

  std::optional<std::string> take(const std::string& name) {
    const auto found = std::find_if(left.begin(), left.end(),
                                    [&](const auto& setting) { return setting.first == name; });
    if (found == left.end()) return std::nullopt;
    const std::string value = found->second;
    left.erase(found);
    return value;
  }
  [[noreturn]] void refuse(const std::string& name, const std::string& expected,
                           const std::string& found, const std::string& remedy = "") const {
    throw ConfigError(Problem{"space " + space + ": " + name, expected, found, remedy});
  }
  double number(const std::string& name, const std::string& value, Role role) const {
    const auto read = parse_number(value);
    if (!read || !is_allowed(role, *read)) refuse(name, expected(role), "\"" + value + "\"");
    return *read;
  }
};

/// Decisions in the making.
struct Builder {
  SpaceData& space;
  SettingList& settings;

  /// Adds a decision with the file's choices, or with the pinned one.
  int add(const std::string& name, std::vector<Choice> choices, std::optional<Condition> condition,
          std::optional<int> standard, std::optional<Role> role) {
    Decision decision{name, choices, std::move(condition), false, false, standard};
    if (const auto value = settings.take(name)) {
      pin(decision, *value, role);
      space.pins.emplace_back(name, text(decision.choices[0]));
    }
    space.file_choices.push_back(std::move(choices));
    space.decisions.push_back(std::move(decision));
    return static_cast<int>(space.decisions.size()) - 1;
  }

  void pin(Decision& decision, const std::string& value, std::optional<Role> role) const {
    const auto number = parse_number(value);
    Choice chosen{number.value_or(0), number && role ? "" : value};
    const auto listed =
        std::find_if(decision.choices.begin(), decision.choices.end(),
                     [&](const Choice& choice) { return text(choice) == text(chosen); });
    if (listed == decision.choices.end()) check_outside(decision, value, role);
    decision.outside = listed == decision.choices.end();
    decision.choices = {chosen};
    decision.pinned = true;
    decision.standard.reset();
  }

  /// Throws unless a value that is not listed is one that can be counted.
  void check_outside(const Decision& decision, const std::string& value,
                     std::optional<Role> role) const {
    if (!role) {
      std::vector<std::string> words;
      std::string list;
      for (const Choice& choice : decision.choices) {
        words.push_back(choice.word);
        list += (list.empty() ? "" : ", ") + choice.word;
      }
      const std::string near = nearest_word(value, words);
      settings.refuse(decision.name, "one of " + list, "\"" + value + "\"",
                      near.empty() ? "" : "did you mean " + near);
    }
    const auto order = [](const Choice& a, const Choice& b) { return a.number < b.number; };
    const auto [least, most] =
        std::minmax_element(decision.choices.begin(), decision.choices.end(), order);
    if (*role == Role::flag) settings.refuse(decision.name, "0 or 1", "\"" + value + "\"");
    const double number = settings.number(decision.name, value, *role);
    if (*role == Role::depth && number > most->number) {
      settings.refuse(decision.name, "an integer in [1, " + text(*most) + "]", value,
                      "the stage has " + text(*most) + " blocks at most");
    }
    const double from = std::min(32.0, least->number);
    if (*role == Role::resolution && number < from) {
      settings.refuse(decision.name, "an integer in [" + number_text(from) + ", 4096]", value);
    }
  }

  /// Makes a decision of a field that has choices.
  void bind(const std::string& name, Field& field, Role role,
            const std::optional<Condition>& condition = std::nullopt) {
    if (!field.decides) return;
    std::vector<Choice> choices;
    std::optional<int> standard;
    for (const double value : field.choices) {
      if (field.standard && value == *field.standard) standard = static_cast<int>(choices.size());
      choices.push_back({value, ""});
    }
    field.decision = add(name, std::move(choices), condition, standard, role);
  }
};

Role role_of(const std::string& field, BlockKind kind) {
  if (field == "start_kernel") return Role::optional_kernel;
  if (field == "kernel") return kind == BlockKind::universal ? Role::optional_kernel : Role::kernel;
  return field == "se" ? Role::flag : Role::ratio;
}

int longest(const Field& depth) {
  return static_cast<int>(*std::max_element(depth.choices.begin(), depth.choices.end()));
}

/// A block at index `index` of its stage exists if the depth is above it; nullopt: always.
std::optional<Condition> presence(const SpaceData& space, const Field& depth, int index) {
  if (depth.decision < 0) return std::nullopt;
  Condition condition{depth.decision, {}};
  const auto& choices = space.decisions[at(depth.decision)].choices;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    if (choices[i].number > index) condition.choices.push_back(static_cast<int>(i));
  }
  if (condition.choices.size() == choices.size()) return std::nullopt;
  return condition;
}

/// Whether a skip at this site may meet a change of shape; by the file's unscaled channels.
bool may_change_shape(const SpaceData& space, const Site& site) {
  if (site.index > 0) return false;
  const StageTemplate& stage = space.file.stages[at(site.stage)];
  int before = site.stage - 1;
  while (before >= 0 && !space.file.stages[at(before)].out) --before;
  if (stage.stride != 1 || before < 0 || stage.out->decides) return true;
  const Field& in = *space.file.stages[at(before)].out;
  return in.decides || in.choices != stage.out->choices;
}

std::string kind_name(const BlockTemplate& block) {
  static const char* const names[] = {"conv",      "mbconv", "fused",  "tucker",
                                      "universal", "pool",   "linear", "skip"};
  const std::string name = names[static_cast<int>(block.kind)];
  return block.groups > 1 ? name + "_g" + std::to_string(block.groups) : name;
}

/// One slot per kind and group count, or per operator where weights are separate.
void assign_slots(SpaceData& space, Site& site, int position) {
  const bool separate = space.file.separate_weights && site.operators.size() > 1;
  std::vector<std::pair<std::string, int*>> wanted;  // the slot's own name, who gets it
  site.slots.resize(site.operators.size());
  for (std::size_t i = 0; i < site.operators.size(); ++i) {
    const OperatorTemplate& one = site.operators[i];
    if (one.block.kind != BlockKind::skip) {
      wanted.emplace_back(separate ? one.name : kind_name(one.block), &site.slots[i].block);
    } else if (one.otherwise && may_change_shape(space, site)) {
      wanted.emplace_back(separate ? one.name : kind_name(*one.otherwise),
                          &site.slots[i].otherwise);
    }
  }
  std::vector<std::string> names;
  for (const auto& [name, slot] : wanted) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  const int first = static_cast<int>(space.slot_names.size());
  for (const auto& [name, slot] : wanted) {
    const auto found = std::find(names.begin(), names.end(), name);
    *slot = first + static_cast<int>(found - names.begin());
  }
  for (const std::string& name : names) {
    space.slot_names.push_back(names.size() == 1 && !separate ? site.name : site.name + "." + name);
    space.slot_sites.push_back(position);
  }
}

/// Operators that a site offers: a skip that could not be built there is left out.
void offer_operators(SpaceData& space, Site& site) {
  auto& all = site.operators;
  all.erase(std::remove_if(all.begin(), all.end(),
                           [&](const OperatorTemplate& one) {
                             return one.block.kind == BlockKind::skip && !one.otherwise &&
                                    may_change_shape(space, site);
                           }),
            all.end());
  if (all.empty()) {
    throw ConfigError(Problem{space.source->path.string() + ": stage " + site.name,
                              "an operator that can change the shape", "only skip", ""});
  }
}

void bind_operators(SpaceData& space, Builder& builder, Site& site, const StageTemplate& stage) {
  offer_operators(space, site);
  std::vector<Choice> choices;
  for (const OperatorTemplate& one : site.operators) choices.push_back({0, one.name});
  site.operator_decision =
      builder.add(site.name + ".op", std::move(choices), presence(space, stage.depth, site.index),
                  std::nullopt, std::nullopt);
}

void add_sites(SpaceData& space, Builder& builder, int index) {
  StageTemplate& stage = space.file.stages[at(index)];
  const int blocks = longest(stage.depth);
  builder.bind(stage.name + ".depth", stage.depth, Role::depth);
  if (stage.out) builder.bind(stage.name + ".out", *stage.out, Role::channels);
  if (stage.per_stage) {
    for (auto& [name, field] : stage.operators[0].block.fields()) {
      builder.bind(stage.name + "." + name, *field, role_of(name, stage.operators[0].block.kind));
    }
  }
  for (int i = 0; i < blocks; ++i) {
    Site site;
    site.name = stage.repeated ? stage.name + "." + std::to_string(i + 1) : stage.name;
    site.stage = index;
    site.index = i;
    site.operators = stage.operators;
    if (stage.chooses_operator) {
      bind_operators(space, builder, site, stage);
    } else {
      BlockTemplate& block = site.operators[0].block;
      for (auto& [name, field] : block.fields()) {
        if (!stage.per_stage) {
          builder.bind(site.name + "." + name, *field, role_of(name, block.kind),
                       presence(space, stage.depth, i));
        }
        if (field->decision >= 0) site.decisions.push_back(field->decision);
      }
    }
    assign_slots(space, site, static_cast<int>(space.sites.size()));
    space.sites.push_back(std::move(site));
  }
}

/// Parameters: what the file has by default, then what was set.
void apply_parameters(SpaceData& space, SettingList& settings,
                      const std::map<std::string, std::string>& words) {
  const auto set = [&](const std::string& name, const std::string& otherwise,
                       const auto& canonical) {
    const auto typed = settings.take(name);
    space.parameters.emplace_back(name, typed ? canonical(*typed) : otherwise);
    space.defaults.emplace_back(name, otherwise);
    return space.parameters.back().second;
  };
  if (space.file.width && !space.file.width->decides) {
    const std::string width =
        set("width", number_text(space.file.width->choices[0]), [&](const std::string& typed) {
          return number_text(settings.number("width", typed, Role::width));
        });
    space.width = *parse_number(width);
  }
  const std::string classes =
      set("classes", std::to_string(space.file.classes), [&](const std::string& typed) {
        return number_text(settings.number("classes", typed, Role::channels));
      });
  space.classes = static_cast<int>(*parse_number(classes));
  for (const WordParameter& parameter : space.source->words) {
    space.parameters.emplace_back(parameter.name, words.at(parameter.name));
    space.defaults.emplace_back(parameter.name, parameter.words[0]);
  }
  const std::string precision = set("precision", "fp32", [&](const std::string& typed) {
    if (typed != "fp32" && typed != "fp16" && typed != "int8") {
      settings.refuse("precision", "one of fp32, fp16, int8", "\"" + typed + "\"");
    }
    return typed;
  });
  space.precision = parse_precision(precision, "precision");
}

std::map<std::string, std::string> take_words(const SpaceSource& source, SettingList& settings) {
  std::map<std::string, std::string> chosen;
  for (const WordParameter& parameter : source.words) {
    const std::string word = settings.take(parameter.name).value_or(parameter.words[0]);
    if (std::find(parameter.words.begin(), parameter.words.end(), word) == parameter.words.end()) {
      std::string list;
      for (const std::string& one : parameter.words) list += (list.empty() ? "" : ", ") + one;
      settings.refuse(parameter.name, "one of " + list, "\"" + word + "\"");
    }
    chosen[parameter.name] = word;
  }
  return chosen;
}

[[noreturn]] void refuse_unknown(const SpaceData& space, const SettingList& settings) {
  constexpr std::size_t kShown = 8;  // a space has dozens of decisions
  std::vector<std::string> known;
  for (const auto& [name, value] : space.parameters) known.push_back(name);
  for (const Decision& decision : space.decisions) known.push_back(decision.name);
  std::string list;
  for (std::size_t i = 0; i < std::min(kShown, known.size()); ++i) {
    list += (i > 0 ? ", " : "") + known[i];
  }
  if (known.size() > kShown) {
    list += " and " + std::to_string(known.size() - kShown) + " more (`lathe space " +
            space.source->base + "` lists them)";
  }
  const std::string& unknown = settings.left[0].first;
  const std::string near = nearest_word(unknown, known);
  throw ConfigError(Problem{"space " + space.source->base, "a setting among " + list,
                            "\"" + unknown + "\"", near.empty() ? "" : "did you mean " + near});
}

std::string full_name(const SpaceData& space) {
  Settings shown;
  for (std::size_t i = 0; i < space.parameters.size(); ++i) {
    if (space.parameters[i] != space.defaults[i]) shown.push_back(space.parameters[i]);
  }
  shown.insert(shown.end(), space.pins.begin(), space.pins.end());
  return text(SpaceName{space.source->base, shown});
}

/// OFA's text has depths, kernels and expansions; digits have one operator decision per place.
void check_text_form(const SpaceData& space) {
  const auto refuse = [&](const std::string& expected, const std::string& found) {
    throw ConfigError(Problem{space.source->path.string() + ": /text", expected, found, ""});
  };
  if (space.file.text == TextForm::ofa) {
    if (space.file.resolution.decision < 0)
      refuse("a space whose resolution is a decision", "\"ofa\"");
    for (std::size_t i = 0; i < space.decisions.size(); ++i) {
      const std::string& name = space.decisions[i].name;
      const std::string last = name.substr(name.rfind('.') + 1);
      if (last != "resolution" && last != "depth" && last != "kernel" && last != "expand") {
        refuse("decisions on resolution, depth, kernel and expand only", name);
      }
    }
    for (const Site& site : space.sites) {
      const bool dynamic = space.file.stages[at(site.stage)].depth.decision >= 0;
      if (site.decisions.size() != (dynamic ? 2U : 0U)) {
        refuse("kernel and expand of every block of a stage with a depth", site.name);
      }
    }
  }
  if (space.file.text == TextForm::digits) {
    for (const Decision& decision : space.decisions) {
      if (decision.choices[0].word.empty() || decision.choices.size() > 10) {
        refuse("only decisions among up to ten operators", decision.name);
      }
    }
  }
}

/// Walks networks that together have every choice at every place, so that a space that loads
/// decodes.
void check_blocks(const SpaceData& space) {
  std::size_t most = 1;
  for (const Decision& decision : space.decisions) most = std::max(most, decision.choices.size());
  for (std::size_t choice = 0; choice < most; ++choice) {
    std::vector<std::uint8_t> genes;
    for (const Decision& decision : space.decisions) {
      genes.push_back(static_cast<std::uint8_t>(std::min(choice, decision.choices.size() - 1)));
    }
    walk(space, genes, [&](int position, const std::optional<Placed>& placed) {
      const std::string problem = placed ? problem_with(placed->block) : "";
      if (!problem.empty()) {
        throw ConfigError(Problem{space.source->path.string() + ": " +
                                      space.sites[at(position)].name + " of " + space.name,
                                  "a block that can be built", problem, ""});
      }
      return true;
    });
  }
}

}  // namespace

SpaceData build_space(std::shared_ptr<const SpaceSource> source, const Settings& settings) {
  SpaceData space;
  space.source = std::move(source);
  SettingList list{space.source->base, settings};
  std::set<std::string> names;
  for (const auto& [name, value] : settings) {
    if (!names.insert(name).second) list.refuse(name, "each setting once", "it twice");
  }
  const auto words = take_words(*space.source, list);
  space.content = std::make_shared<const nlohmann::json>(
      choose_words(*space.source->content, space.source->path, space.source->words, words));
  space.file = read_space_file(*space.content, space.source->path);
  apply_parameters(space, list, words);
  Builder builder{space, list};
  if (space.file.width) builder.bind("width", *space.file.width, Role::width);
  builder.bind("resolution", space.file.resolution, Role::resolution);
  for (int i = 0; i < static_cast<int>(space.file.stages.size()); ++i) add_sites(space, builder, i);
  if (!list.left.empty()) refuse_unknown(space, list);
  space.name = full_name(space);
  check_text_form(space);
  check_blocks(space);
  return space;
}

}  // namespace lathe::spaces
