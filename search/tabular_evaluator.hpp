#pragma once

#include "search/evaluator.hpp"
#include "spaces/search_space.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace lathe::search {

/// Looks the error up in a file of results, made elsewhere: {"networks": [{"code" or "network":
/// text, "acc": [percent, ...] or "error": x}, ...]}. The error is 1 - the mean of "acc" / 100, or
/// "error" in [0, 1]; "params" and "flops" or "macs" may stand beside it, "meta" at the top, and
/// are not used.
class TabularEvaluator final : public Evaluator {
 public:
  /// Throws FormatError naming the file and the row: unknown keys, neither or both of two, a
  /// network that is not of `space`, one network with two different errors.
  static TabularEvaluator load(const std::filesystem::path& file, const spaces::SearchSpace& space);
  /// The same for the text of a file, named `file` in messages.
  static TabularEvaluator parse(std::string_view text, const std::filesystem::path& file,
                                const spaces::SearchSpace& space);

  std::vector<std::string> supplies() const override { return {"error"}; }
  /// A network that is not in the file is a Failure.
  std::vector<std::variant<std::vector<double>, Failure>> evaluate(
      const std::vector<Proposal>& proposals) override;

  bool contains(const spaces::Architecture& canonical) const {
    return errors_.count(canonical) > 0;
  }
  std::size_t size() const { return errors_.size(); }

 private:
  TabularEvaluator() = default;
  std::string file_;
  std::map<spaces::Architecture, double> errors_;  ///< by canonical architecture
};

}  // namespace lathe::search
