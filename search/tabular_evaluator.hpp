#pragma once

#include "search/evaluator.hpp"
#include "spaces/search_space.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

namespace lathe::search {

/// Looks the error up in a file of results, made elsewhere: {"networks": [{"code" or "network":
/// text, "acc": [percent, ...] or "error": x}, ...]}. The error is 1 - the mean of "acc" / 100, or
/// "error" in [0, 1]; "params" and "flops" or "macs" may stand beside it, "meta" at the top, and
/// are not used. Rows and questions are compared by what a network computes (network_id), so that
/// the table needs one of several codes of the same network only.
class TabularEvaluator final : public Evaluator {
 public:
  /// Throws FormatError naming the file and the row: unknown keys, neither or both of two, a
  /// network that is not of `space`, one network (under whatever codes) with two different errors.
  static TabularEvaluator load(const std::filesystem::path& file, const spaces::SearchSpace& space);
  /// The same for the text of a file, named `file` in messages.
  static TabularEvaluator parse(std::string_view text, const std::filesystem::path& file,
                                const spaces::SearchSpace& space);

  std::vector<std::string> supplies() const override { return {"error"}; }
  /// A network that is not in the file is a Failure.
  std::vector<std::variant<std::vector<double>, Failure>> evaluate(
      const std::vector<Proposal>& proposals) override;

  bool contains(const spaces::Architecture& canonical) const;
  /// Distinct networks.
  std::size_t size() const { return errors_.size(); }

 private:
  TabularEvaluator(std::string file, const spaces::SearchSpace& space)
      : file_(std::move(file)), space_(space) {}
  void visit_genotypes();
  std::string file_;
  spaces::SearchSpace space_;
  std::unordered_map<std::uint64_t, double> errors_;  ///< by network_id
  /// Genotypes of the table's networks: all of them where the space is small enough to be visited
  /// whole, so that nothing need be decoded to be found or missed.
  std::unordered_set<spaces::Architecture, spaces::ArchitectureHash> genotypes_;
  bool has_all_genotypes_ = false;
};

}  // namespace lathe::search
