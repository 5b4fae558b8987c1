#pragma once

#include "spaces/base/config_reader.hpp"
#include "spaces/search_space.hpp"

#include <nlohmann/json_fwd.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lathe::spaces {

/// The one-line text that logs and tables print: "r176 k3e3 k3e4 / k5e3 ..." for OFA-like spaces,
/// "name=value ..." in file order for others, or the form that the space file names
/// (NAS-Bench-Macro's eight digits).
std::string to_text(const SearchSpace& space, const Architecture& arch);

/// A network as someone gave it: with pins where values lie outside the space's choices.
struct NamedNetwork {
  SearchSpace space;  ///< the given one, or pinned where the network leaves its choices
  Architecture arch;
  bool outside = false;  ///< some value is not among the space's own choices
};

/// Reads one network from any accepted form (inline): our JSON, the bare object of decisions, the
/// one-line text, an OFA dictionary {"ks","e","d","r"}. Decisions left out take their standard
/// value. `where` names the file and entry or the argument. Throws ConfigError, or FormatError
/// where `strictness` is that of data, with the nearest decision or choice.
NamedNetwork parse_network(const SearchSpace& space, std::string_view text,
                           const std::string& where, Strictness strictness = Strictness::config);
/// Our JSON, with the space's name in it: which space it is of; nullopt if the text is another
/// form. Throws ConfigError for broken JSON.
std::optional<std::string> space_of_network(std::string_view text);

/// Our JSON: {"format":"lathe.architecture","version":1,"space":...,"decisions":{...}}, decisions
/// of absent blocks left out.
nlohmann::json to_json(const SearchSpace& space, const Architecture& arch);
/// A choice as JSON: a number or a word.
nlohmann::json to_json(const Choice& choice);
/// {"ks":[20],"e":[20],"d":[5],"r":[n]}: slots of absent blocks hold the first choice. ConfigError
/// if the space is not OFA-like.
nlohmann::json to_ofa(const SearchSpace& space, const Architecture& arch);

/// One network, inline, and where it came from.
struct NetworkArgument {
  std::string text, where;
  Strictness strictness = Strictness::config;  ///< data if it stood in a file
};
/// Splits what stands after the flags (files or inline texts) into inline networks: a file may hold
/// one network, a JSON array of networks, or one network a line (JSONL, or one-line texts). Throws
/// FormatError for files that are missing or hold no network.
std::vector<NetworkArgument> expand_network_arguments(const std::vector<std::string>& arguments);
/// The networks in the text of a file named `file`.
std::vector<NetworkArgument> parse_network_file(std::string_view text, const std::string& file);

}  // namespace lathe::spaces
