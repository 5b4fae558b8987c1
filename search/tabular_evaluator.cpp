#include "search/tabular_evaluator.hpp"

#include "search/feasibility.hpp"
#include "spaces/base/config_reader.hpp"
#include "spaces/base/json_io.hpp"
#include "spaces/network_text.hpp"

#include <nlohmann/json.hpp>

#include <limits>
#include <numeric>
#include <optional>
#include <utility>

namespace lathe::search {
namespace {

using nlohmann::json;

/// One row: the network's text and its error.
struct Row {
  std::string network;
  double error = 0;
};

Row read_row(ConfigReader& r) {
  Row row;
  std::vector<double> accuracies;
  double unused = 0;
  const double most = std::numeric_limits<double>::max();
  r.string("code", row.network, "network as the space's code");
  if (r.has("code") && r.has("network")) r.refuse("network", "code or network", "both");
  r.string("network", row.network, "network as one-line text");
  if (!r.has("code") && !r.has("network")) r.refuse("", "a key code or network", "neither");
  r.numbers("acc", accuracies, {0, 100}, "accuracies in percent, one per training");
  r.number("error", row.error, {0, 1}, "1 - accuracy");
  if (r.has("acc") == r.has("error")) {
    r.refuse("", "one of the keys acc and error", r.has("acc") ? "both" : "neither");
  }
  for (const char* key : {"params", "flops", "macs"}) r.number(key, unused, {0, most}, "not used");
  if (r.has("acc")) {
    if (accuracies.empty()) r.refuse("acc", "at least one accuracy", "an empty list");
    const double sum = std::accumulate(accuracies.begin(), accuracies.end(), 0.0);
    row.error = (100 - sum / static_cast<double>(accuracies.size())) / 100;
  }
  return row;
}

}  // namespace

TabularEvaluator TabularEvaluator::load(const std::filesystem::path& file,
                                        const spaces::SearchSpace& space) {
  TabularEvaluator evaluator = parse(read_file(file), file, space);
  evaluator.visit_genotypes();
  return evaluator;
}

TabularEvaluator TabularEvaluator::parse(std::string_view text, const std::filesystem::path& file,
                                         const spaces::SearchSpace& space) {
  TabularEvaluator evaluator(file.string(), space);
  std::vector<Row> rows;
  ConfigReader::read(parse_json(text, file.string(), Comments::refused), file, Strictness::data,
                     [&](ConfigReader& r) {
                       json meta;
                       r.any("meta", meta, "where the results come from");
                       r.required().objects(
                           "networks",
                           [&](ConfigReader& row, std::size_t) { rows.push_back(read_row(row)); },
                           "one result per network");
                     });
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::string where = file.string() + ": /networks/" + std::to_string(i);
    spaces::Architecture arch;
    try {
      const spaces::NamedNetwork named = spaces::parse_network(space, rows[i].network, where);
      if (named.outside) {
        throw FormatError({where, "a network of " + space.name(), quote(rows[i].network), ""});
      }
      arch = space.canonical(named.arch);
    } catch (const ConfigError& error) {
      throw FormatError(error.what());
    }
    const std::uint64_t id = network_id(space.decode(arch));
    evaluator.genotypes_.insert(std::move(arch));
    const auto [place, is_new] = evaluator.errors_.emplace(id, rows[i].error);
    if (!is_new && place->second != rows[i].error) {
      throw FormatError({where, "one error per network, " + json(place->second).dump(),
                         json(rows[i].error).dump() + " for " + rows[i].network, ""});
    }
  }
  return evaluator;
}

void TabularEvaluator::visit_genotypes() {
  constexpr std::size_t kMostDigits = 4;  // 9999 codes are decoded in some 0.1 s
  if (space_.codes().size() > kMostDigits) return;
  for (std::optional<spaces::Architecture> arch = first_genotype(space_); arch;
       arch = next_genotype(space_, *arch)) {
    if (errors_.count(network_id(space_.decode(*arch))) > 0) genotypes_.insert(*arch);
  }
  has_all_genotypes_ = true;
}

bool TabularEvaluator::contains(const spaces::Architecture& canonical) const {
  if (genotypes_.count(canonical) > 0) return true;
  return !has_all_genotypes_ && errors_.count(network_id(space_.decode(canonical))) > 0;
}

std::vector<std::variant<std::vector<double>, Failure>> TabularEvaluator::evaluate(
    const std::vector<Proposal>& proposals) {
  std::vector<std::variant<std::vector<double>, Failure>> results;
  for (const Proposal& proposal : proposals) {
    const auto place = errors_.find(network_id(proposal.net));
    if (place == errors_.end()) {
      results.emplace_back(Failure{"not in " + file_});
    } else {
      results.emplace_back(std::vector<double>{place->second});
    }
  }
  return results;
}

}  // namespace lathe::search
