#include "spaces/search_space.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/hash.hpp"
#include "spaces/base/json_io.hpp"
#include "spaces/cost.hpp"
#include "spaces/space_data.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <system_error>
#include <utility>

namespace lathe::spaces {
namespace {

using Genes = std::vector<std::uint8_t>;

std::size_t at(int value) { return static_cast<std::size_t>(value); }

void check_genes(const SpaceData& space, const Genes& genes) {
  LATHE_CHECK(genes.size() == space.decisions.size(),
              space.name + ": " + std::to_string(genes.size()) + " genes for " +
                  std::to_string(space.decisions.size()) + " decisions");
  for (std::size_t i = 0; i < genes.size(); ++i) {
    LATHE_CHECK(genes[i] < space.decisions[i].choices.size(),
                space.name + ": gene " + std::to_string(genes[i]) + " of " +
                    space.decisions[i].name + " is outside its choices");
  }
}

bool active(const SpaceData& space, const Genes& genes, int decision) {
  const auto& condition = space.decisions[at(decision)].active_if;
  if (!condition) return true;
  const auto& choices = condition->choices;
  return std::find(choices.begin(), choices.end(), genes[at(condition->decision)]) !=
             choices.end() &&
         active(space, genes, condition->decision);
}

/// The nearest earlier stage that sets the channels, or -1.
int stage_before(const SpaceData& space, int stage) {
  do {
    --stage;
  } while (stage >= 0 && !space.file.stages[at(stage)].out);
  return stage;
}

/// True if a global pool stands before the position, so that the map there is 1 x 1.
bool is_behind_pool(const SpaceData& space, int position) {
  for (int i = 0; i < position; ++i) {
    const Site& site = space.sites[at(i)];
    if (site.operators.size() == 1 && site.operators[0].block.kind == BlockKind::pool) return true;
  }
  return false;
}

std::vector<int> dependencies(const SpaceData& space, int position) {
  const Site& site = space.sites[at(position)];
  const StageTemplate& stage = space.file.stages[at(site.stage)];
  std::vector<int> all = site.decisions;
  const auto add = [&](int decision) {
    if (decision >= 0) all.push_back(decision);
  };
  if (space.file.width) add(space.file.width->decision);
  if (!is_behind_pool(space, position)) add(space.file.resolution.decision);
  add(site.operator_decision);
  if (stage.depth.decision >= 0) {
    for (const Choice& depth : space.decisions[at(stage.depth.decision)].choices) {
      if (depth.number <= site.index) {
        add(stage.depth.decision);
        break;
      }
    }
  }
  if (stage.out) add(stage.out->decision);
  const int before = stage_before(space, site.stage);
  if (site.index == 0 && before >= 0) add(space.file.stages[at(before)].out->decision);
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

/// MACs of the blocks at some positions, or of all where that is less work: comparing choices needs
/// no more than those that a decision changes.
std::int64_t macs_at(const SearchSpace& space, const Architecture& arch,
                     const std::vector<int>& positions) {
  if (positions.size() > 4) return count(space.decode(arch)).macs;
  std::int64_t macs = 0;
  for (const int p : positions) {
    if (const auto placed = space.placed_at(arch, p)) macs += count(placed->block).macs;
  }
  return macs;
}

/// See SearchSpace::largest; sign -1 for the smallest.
Architecture extreme(const SearchSpace& space, int sign) {
  constexpr int kMaxPasses = 10;  // two do for all our spaces
  const int decisions = static_cast<int>(space.decisions().size());
  std::vector<std::vector<int>> positions(at(decisions));
  for (int p = 0; p < space.positions(); ++p) {
    for (const int d : space.depends_on(p)) positions[at(d)].push_back(p);
  }
  Architecture best{Genes(at(decisions), 0)};
  for (int pass = 0; pass < kMaxPasses; ++pass) {
    const Architecture before = best;
    for (int d = 0; d < decisions; ++d) {
      if (!space.is_active(best, d)) continue;
      std::optional<std::int64_t> most;
      Architecture tried = best;
      const int choices = static_cast<int>(space.decisions()[at(d)].choices.size());
      for (int choice = 0; choice < choices; ++choice) {
        tried.genes[at(d)] = static_cast<std::uint8_t>(choice);
        const std::int64_t macs = sign * macs_at(space, tried, positions[at(d)]);
        if (!most || macs > *most) {
          most = macs;
          best.genes[at(d)] = tried.genes[at(d)];
        }
      }
    }
    if (best == before) break;
  }
  return space.canonical(best);
}

/// The file that a space's base names.
std::filesystem::path find_space(const SpaceName& name, const std::filesystem::path& configs) {
  const std::filesystem::path as_path = name.base;
  if (as_path.extension() == ".json") return as_path;
  const std::filesystem::path file = configs / "spaces" / (name.base + ".json");
  const bool plain = name.base.find('/') == std::string::npos;
  std::error_code error;
  if (plain && std::filesystem::is_regular_file(file, error)) return file;
  const std::vector<std::string> known = list_spaces(configs);
  std::string list;
  for (const std::string& one : known) list += (list.empty() ? "" : ", ") + one;
  const std::string near = nearest_word(name.base, known);
  throw ConfigError(Problem{"space " + name.base,
                            list.empty() ? "a space in " + (configs / "spaces").string()
                                         : "one of " + list + ", or a path that ends in .json",
                            "no such space", near.empty() ? "" : "did you mean " + near});
}

std::shared_ptr<const SpaceSource> source_of(const std::string& base,
                                             const std::filesystem::path& file,
                                             nlohmann::json content) {
  auto source = std::make_shared<SpaceSource>();
  source->base = base;
  source->path = file;
  source->content = std::make_shared<const nlohmann::json>(std::move(content));
  source->words = read_word_parameters(*source->content, file);
  return source;
}

}  // namespace

struct SearchSpace::Data : SpaceData {};

std::size_t ArchitectureHash::operator()(const Architecture& arch) const noexcept {
  const auto* bytes = reinterpret_cast<const char*>(arch.genes.data());
  return static_cast<std::size_t>(fingerprint_of({bytes, arch.genes.size()}));
}

SpaceName parse_space_name(std::string_view typed) {
  const auto refuse = [&](const std::string& found) {
    throw ConfigError(Problem{"space \"" + std::string(typed) + "\"",
                              "NAME or NAME:setting=value,setting=value", found, ""});
  };
  SpaceName name;
  const std::size_t colon = typed.find(':');
  name.base = typed.substr(0, colon);
  if (name.base.empty()) refuse("no name");
  if (colon == std::string_view::npos) return name;
  for (std::size_t from = colon + 1; from <= typed.size();) {
    const std::size_t comma = std::min(typed.find(',', from), typed.size());
    const std::string part(typed.substr(from, comma - from));
    const std::size_t equals = part.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == part.size()) {
      refuse(part.empty() ? "an empty setting" : "\"" + part + "\"");
    }
    name.settings.emplace_back(part.substr(0, equals), part.substr(equals + 1));
    from = comma + 1;
  }
  return name;
}

std::string text(const SpaceName& name) {
  std::string result = name.base;
  for (std::size_t i = 0; i < name.settings.size(); ++i) {
    result += (i == 0 ? ":" : ",") + name.settings[i].first + "=" + name.settings[i].second;
  }
  return result;
}

std::string text(const Choice& choice) {
  return choice.word.empty() ? number_text(choice.number) : choice.word;
}

SearchSpace::SearchSpace(std::shared_ptr<const Data> data) : data_(std::move(data)) {}

SearchSpace SearchSpace::load(const SpaceName& name, const std::filesystem::path& configs) {
  const std::filesystem::path file = find_space(name, configs);
  auto source = source_of(name.base, file, load_json(file, Comments::allowed));
  return SearchSpace(
      std::make_shared<const Data>(Data{build_space(std::move(source), name.settings)}));
}

SearchSpace SearchSpace::parse(std::string_view text, const std::filesystem::path& file) {
  auto source = source_of(file.string(), file, parse_json(text, file.string(), Comments::allowed));
  return SearchSpace(std::make_shared<const Data>(Data{build_space(std::move(source), {})}));
}

SearchSpace SearchSpace::pinned(
    const std::vector<std::pair<std::string, std::string>>& pins) const {
  auto settings = data_->parameters;
  for (const auto& own : data_->pins) {
    const bool replaced = std::any_of(pins.begin(), pins.end(),
                                      [&](const auto& pin) { return pin.first == own.first; });
    if (!replaced) settings.push_back(own);
  }
  settings.insert(settings.end(), pins.begin(), pins.end());
  return SearchSpace(std::make_shared<const Data>(Data{build_space(data_->source, settings)}));
}

SearchSpace SearchSpace::without_pins() const {
  if (data_->pins.empty()) return *this;
  return SearchSpace(
      std::make_shared<const Data>(Data{build_space(data_->source, data_->parameters)}));
}

const std::string& SearchSpace::name() const { return data_->name; }
const std::vector<Decision>& SearchSpace::decisions() const { return data_->decisions; }
int SearchSpace::classes() const { return data_->classes; }
double SearchSpace::norm_epsilon() const { return data_->file.norm_epsilon; }
bool SearchSpace::kernel_transform() const { return data_->file.kernel_transform; }
int SearchSpace::positions() const { return static_cast<int>(data_->sites.size()); }
int SearchSpace::slots() const { return static_cast<int>(data_->slot_names.size()); }
std::string SearchSpace::codes() const { return count_codes(*data_); }
std::optional<std::string> SearchSpace::networks() const { return count_networks(*data_); }
Architecture SearchSpace::largest() const { return extreme(*this, 1); }
Architecture SearchSpace::smallest() const { return extreme(*this, -1); }

const std::vector<std::pair<std::string, std::string>>& SearchSpace::parameters() const {
  return data_->parameters;
}

int SearchSpace::decision(std::string_view name) const {
  std::vector<std::string> known;
  for (const Decision& one : data_->decisions) {
    if (one.name == name) return static_cast<int>(known.size());
    known.push_back(one.name);
  }
  const std::string near = nearest_word(name, known);
  throw ConfigError(Problem{"space " + data_->name, "one of its decisions",
                            "\"" + std::string(name) + "\"",
                            near.empty() ? "" : "did you mean " + near});
}

bool SearchSpace::is_active(const Architecture& arch, int decision) const {
  return active(*data_, arch.genes, decision);
}

Architecture SearchSpace::sample(Rng& rng) const {
  Architecture arch;
  for (const Decision& decision : data_->decisions) {
    const int choices = static_cast<int>(decision.choices.size());
    arch.genes.push_back(static_cast<std::uint8_t>(rng.below(choices)));
  }
  return canonical(std::move(arch));
}

Architecture SearchSpace::canonical(Architecture arch) const {
  check_genes(*data_, arch.genes);
  for (std::size_t d = 0; d < arch.genes.size(); ++d) {
    if (!active(*data_, arch.genes, static_cast<int>(d))) arch.genes[d] = 0;
  }
  return arch;
}

NetworkSpec SearchSpace::decode(const Architecture& arch) const {
  check_genes(*data_, arch.genes);
  NetworkSpec net;
  net.input = input_of(*data_, arch.genes);
  walk(*data_, arch.genes, [&](int, std::optional<Placed> placed) {
    if (placed) net.blocks.push_back(std::move(*placed));
    return true;
  });
  return net;
}

const std::string& SearchSpace::position_name(int position) const {
  return data_->sites.at(at(position)).name;
}

std::vector<int> SearchSpace::depends_on(int position) const {
  return dependencies(*data_, position);
}

std::optional<Placed> SearchSpace::placed_at(const Architecture& arch, int position) const {
  check_genes(*data_, arch.genes);
  LATHE_CHECK(position >= 0 && position < positions(), "position outside the space");
  std::optional<Placed> result;
  walk(*data_, arch.genes, [&](int here, std::optional<Placed> placed) {
    if (here == position) result = std::move(placed);
    return here < position;
  });
  return result;
}

std::vector<BlockSpec> SearchSpace::slot_choices(int slot) const {
  LATHE_CHECK(slot >= 0 && slot < slots(), "slot outside the space");
  return blocks_of_slot(*data_, slot);
}

const std::string& SearchSpace::slot_name(int slot) const { return data_->slot_names.at(at(slot)); }

bool SearchSpace::is_named(const SpaceName& other) const {
  const auto stem = [](const std::string& base) {
    const std::filesystem::path path = base;
    return path.extension() == ".json" ? path.stem().string() : base;
  };
  if (stem(other.base) != stem(data_->source->base)) return false;
  for (std::size_t i = 0; i < data_->parameters.size(); ++i) {
    const auto& [name, value] = data_->parameters[i];
    if (name == "precision") continue;
    std::string theirs = data_->defaults[i].second;
    for (const auto& [setting, typed] : other.settings) {
      if (setting != name) continue;
      const auto number = parse_number(typed);
      theirs = number ? number_text(*number) : typed;
    }
    if (theirs != value) return false;
  }
  return true;
}

std::string SearchSpace::text_form() const {
  const TextForm form = data_->file.text;
  return form == TextForm::ofa ? "ofa" : form == TextForm::digits ? "digits" : "named";
}

std::uint64_t SearchSpace::fingerprint() const {
  std::string all = dump_json_line(*data_->content);
  for (const auto& [name, value] : data_->parameters) {
    if (name != "precision") all += "\n" + name + "=" + value;
  }
  for (const auto& [name, value] : data_->pins) all += "\n" + name + "=" + value;
  return fingerprint_of(all);
}

std::vector<std::string> list_spaces(const std::filesystem::path& configs) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(configs / "spaces", error), end;
       !error && entry != end; entry.increment(error)) {
    if (entry->path().extension() == ".json") names.push_back(entry->path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace lathe::spaces
