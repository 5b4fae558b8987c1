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

/// An event for people: its "message", or its name and plain fields: "train.epoch  loss 1.23".
/// Lists and objects are left to events.jsonl.
std::string event_line(std::string_view name, const nlohmann::json& fields);

/// `text` cut to `columns` with "..." at its end.
std::string shortened(const std::string& text, int columns);

}  // namespace lathe::cli
