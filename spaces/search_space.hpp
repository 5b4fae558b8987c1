#pragma once

#include "spaces/architecture.hpp"
#include "spaces/base/rng.hpp"
#include "spaces/network.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lathe::spaces {

/// "ofa-mbv3:width=1.2,resolution=160": a file's name (or a path) and settings, which are either
/// parameters of the space (width, classes, plan, precision) or pins of decisions.
struct SpaceName {
  std::string base;
  std::vector<std::pair<std::string, std::string>> settings;  ///< in the order typed
};
SpaceName parse_space_name(std::string_view text);  ///< ConfigError
std::string text(const SpaceName& name);

/// One value that a decision can take: a number, or a word where `word` is not empty ("k3_e6").
struct Choice {
  double number = 0;
  std::string word;
};
std::string text(const Choice& choice);

/// A decision is active if the gene of an earlier decision is one of `choices` (indices).
struct Condition {
  int decision = 0;
  std::vector<int> choices;
};

struct Decision {
  std::string name;  ///< "stage1.2.kernel", "stage1.depth", "resolution"
  std::vector<Choice> choices;
  std::optional<Condition> active_if;
  bool pinned = false;          ///< its one choice was typed, and may lie outside the file's list
  bool outside = false;         ///< pinned, and not among the file's choices
  std::optional<int> standard;  ///< the choice of a network that leaves the decision out
};

/// A search space: data from configs/spaces/*.json, immutable after loading, cheap to copy, safe to
/// share between threads. A published fixed network is a space too, whose only decisions are width
/// and resolution.
class SearchSpace {
 public:
  /// Loads `configs`/spaces/NAME.json, or the path that the name is. Throws ConfigError for the
  /// name and its settings (did you mean), FormatError for the file's content.
  static SearchSpace load(const SpaceName& name, const std::filesystem::path& configs);

  /// The same for the text of a space's file, which is named `file` in messages.
  static SearchSpace parse(std::string_view text, const std::filesystem::path& file);

  /// As it was named, with defaults left out: "ofa-mbv3:width=1.2".
  const std::string& name() const;
  const std::vector<Decision>& decisions() const;
  /// The decision with that name. ConfigError with the nearest name.
  int decision(std::string_view name) const;
  bool is_active(const Architecture& arch, int decision) const;

  /// Uniform in each decision's choices, canonical.
  Architecture sample(Rng& rng) const;
  /// Genes of inactive decisions set to 0: equates genotypes that use the same weights.
  Architecture canonical(Architecture arch) const;
  /// The only place where a network's shapes are computed. Throws LogicError for genes outside
  /// their range.
  NetworkSpec decode(const Architecture& arch) const;

  /// Places of the longest network; with some genes a position holds no block.
  int positions() const;
  /// "stem", "stage2.1", "classifier".
  const std::string& position_name(int position) const;
  /// Decisions that can change the block at that position, its input shape or its presence.
  std::vector<int> depends_on(int position) const;
  /// What decode puts at that position, or nullopt where it is absent.
  std::optional<Placed> placed_at(const Architecture& arch, int position) const;

  /// Slots: sets of weights. Choices that share weights (kernel, widths, SE, optional depthwise
  /// ops) share a slot.
  int slots() const;
  /// Every block that the slot can hold, without repetition (by key), over all resolutions.
  std::vector<BlockSpec> slot_choices(int slot) const;
  const std::string& slot_name(int slot) const;

  /// Most and fewest MACs: every gene at the choice that makes the network larger (smaller), found
  /// by counting with the other genes as they are, until none changes. Exact where the order of a
  /// decision's choices by MACs is the same whatever the other genes, as in all our spaces. Ties:
  /// the first choice.
  Architecture largest() const;
  Architecture smallest() const;

  /// Number of genotypes after canonicalisation, as an exact decimal text.
  std::string codes() const;
  /// Number of distinct networks by network_id, counted exactly: networks are the words of an
  /// automaton whose letters are blocks. nullopt where that would need too many states.
  std::optional<std::string> networks() const;

  int classes() const;
  /// Batch norm's epsilon, added to the variance.
  double norm_epsilon() const;
  /// How a smaller depthwise kernel comes from a larger one: a learned matrix between neighbouring
  /// sizes (OFA section 3.3), or its centre.
  bool kernel_transform() const;
  /// Parameters with their values, as set: {"width","1.2"}, ....
  const std::vector<std::pair<std::string, std::string>>& parameters() const;

  /// The same space before pins of genes: what a supernet is built from.
  SearchSpace without_pins() const;
  /// The same space with more decisions pinned (name, value), in place of its own pins of them.
  SearchSpace pinned(const std::vector<std::pair<std::string, std::string>>& pins) const;
  /// True if `other` names this space up to pins and precision.
  bool is_named(const SpaceName& other) const;
  /// Which one-line text its file asks for: "ofa", "digits" or "named".
  std::string text_form() const;
  /// Of everything that decides shapes and weights; of the file's content, not its formatting.
  std::uint64_t fingerprint() const;

 private:
  struct Data;
  explicit SearchSpace(std::shared_ptr<const Data> data);
  std::shared_ptr<const Data> data_;
};

/// Names of the files in `configs`/spaces, in alphabetical order.
std::vector<std::string> list_spaces(const std::filesystem::path& configs);

}  // namespace lathe::spaces
