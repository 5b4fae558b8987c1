#pragma once

#include "spaces/search_space.hpp"
#include "spaces/space_file.hpp"

#include <nlohmann/json_fwd.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace lathe::spaces {

// What a SearchSpace holds, and the walk over its positions. Used by search_space.cpp and its
// neighbours only.

/// A file as read, before parameters and pins are applied; shared by all spaces made from it.
struct SpaceSource {
  std::string base;  ///< as typed
  std::filesystem::path path;
  std::shared_ptr<const nlohmann::json> content;
  std::vector<WordParameter> words;
};

/// A place of the longest network.
struct Site {
  std::string name;
  int stage = 0;
  int index = 0;  ///< within the stage, from 0
  std::vector<OperatorTemplate> operators;
  int operator_decision = -1;
  struct Slots {
    int block = -1, otherwise = -1;
  };
  std::vector<Slots> slots;    ///< per operator
  std::vector<int> decisions;  ///< own or shared with the stage, without depth, out and operator
};

struct SpaceData {
  std::shared_ptr<const SpaceSource> source;
  std::vector<std::pair<std::string, std::string>>
      parameters;                                             ///< width, classes, words, precision
  std::vector<std::pair<std::string, std::string>> defaults;  ///< the same without settings
  std::vector<std::pair<std::string, std::string>> pins;      ///< in the decisions' order
  std::string name;

  std::shared_ptr<const nlohmann::json> content;  ///< the source's, words chosen
  SpaceFile file;                                 ///< fields know their decisions
  double width = 1;                               ///< where it is a parameter
  int classes = 0;
  Precision precision = Precision::fp32;

  std::vector<Decision> decisions;
  std::vector<std::vector<Choice>> file_choices;  ///< per decision, before pins
  std::vector<Site> sites;
  std::vector<std::string> slot_names;
  std::vector<int> slot_sites;  ///< the position of each slot
};

/// Applies the settings (parameters and pins, in any order) to a file. Throws ConfigError.
SpaceData build_space(std::shared_ptr<const SpaceSource> source,
                      const std::vector<std::pair<std::string, std::string>>& settings);

/// The field's number with these genes.
double value_of(const SpaceData& space, const Field& field, const std::vector<std::uint8_t>& genes);
/// Image of the network with these genes.
Shape input_of(const SpaceData& space, const std::vector<std::uint8_t>& genes);
/// The block at a position if its input has shape `in`; nullopt where there is none.
std::optional<Placed> place(const SpaceData& space, const std::vector<std::uint8_t>& genes,
                            int position, const Shape& in);
/// Calls visit(position, block) along the network; stops when it returns false. Genes must be in
/// range.
template <typename Visit>
void walk(const SpaceData& space, const std::vector<std::uint8_t>& genes, const Visit& visit) {
  Shape at = input_of(space, genes);
  for (int position = 0; position < static_cast<int>(space.sites.size()); ++position) {
    std::optional<Placed> placed = place(space, genes, position, at);
    if (placed) at = output_shape(placed->block);
    if (!visit(position, std::move(placed))) return;
  }
}

/// Decisions of a stage as a whole: depth and channels.
std::vector<int> stage_decisions(const SpaceData& space, int stage);

/// See SearchSpace::codes, networks and slot_choices.
std::string count_codes(const SpaceData& space);
std::optional<std::string> count_networks(const SpaceData& space);
std::vector<BlockSpec> blocks_of_slot(const SpaceData& space, int slot);

/// The shortest text that reads back as the same number: "1.2", "176".
std::string number_text(double value);
/// A finite number that is all of the text, or nullopt.
std::optional<double> parse_number(std::string_view text);

}  // namespace lathe::spaces
