#pragma once

#include "latency/latency_table.hpp"
#include "search/cli/options.hpp"

namespace lathe::cli {

/// What a table says of itself, on stdout: `lathe table info`, and the result of measuring one.
void print_table_info(const General& general, const latency::LatencyTable& table);

}  // namespace lathe::cli
