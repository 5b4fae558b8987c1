#pragma once

#include "spaces/base/event.hpp"
#include "spaces/base/units.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>

namespace lathe::cli {

/// One line about a long activity, at most `columns` wide. `elapsed` and `done_at_start` belong to
/// this activity alone, so that the time left is right after a resume. `bar` draws one.
std::string progress_line(const Progress& progress, Micros elapsed, double done_at_start,
                          int columns, bool bar);

/// An event for people: its "message", the sentence for an event of that name if there is one, or
/// its name and plain fields: "measure.round  number 3". All else is left to events.jsonl.
std::string event_line(std::string_view name, const nlohmann::json& fields);

/// The columns that UTF-8 text takes, one for each character.
int columns_of(const std::string& text);

/// `text` cut to `columns` with "..." at its end.
std::string shortened(const std::string& text, int columns);

}  // namespace lathe::cli
