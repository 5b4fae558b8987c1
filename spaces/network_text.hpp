#pragma once

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
/// one-line text, an OFA dictionary {"ks","e","d","r"}. `where` names the file and entry or the
/// argument. Throws ConfigError (typed inline) with the nearest decision or choice.
NamedNetwork parse_network(const SearchSpace& space, std::string_view text,
                           const std::string& where);
/// Our JSON, with the space's name in it: which space it is of; nullopt if the text is another
/// form.
std::optional<std::string> space_of_network(std::string_view text);

/// Our JSON: {"format":"lathe.architecture","version":1,"space":...,"decisions":{...}}, decisions
/// of absent blocks left out.
nlohmann::json to_json(const SearchSpace& space, const Architecture& arch);
/// {"ks":[20],"e":[20],"d":[5],"r":[n]}: slots of absent blocks hold the first choice. ConfigError
/// if the space is not OFA-like.
nlohmann::json to_ofa(const SearchSpace& space, const Architecture& arch);

/// Splits what stands after the flags (files or inline texts) into inline networks: a file may hold
/// one network, a JSON array, or JSONL. Each with the `where` for messages.
struct NetworkArgument {
  std::string text, where;
};
std::vector<NetworkArgument> expand_network_arguments(const std::vector<std::string>& arguments);

}  // namespace lathe::spaces
