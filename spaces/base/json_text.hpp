#pragma once

#include "spaces/base/json_io.hpp"

#include <string>
#include <string_view>

namespace lathe {

/// parse_json of a part of a file that begins on the given line, for messages; base's own.
nlohmann::json parse_json_from_line(std::string_view text, const std::string& where,
                                    Comments comments, int first_line);

/// One step of a JSON pointer (RFC 6901): "/" and the key with "~" and "/" escaped.
std::string pointer_step(const std::string& key);
/// "FILE" and "/key" are "FILE: /key"; "FILE: /key" and "/0" are "FILE: /key/0".
std::string place_in(const std::string& where, const std::string& pointer);

}  // namespace lathe
