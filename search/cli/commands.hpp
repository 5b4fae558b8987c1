#pragma once

#include "search/cli/options.hpp"

namespace lathe::cli {

// Each runs one command to its end and prints its result on stdout. All throw lathe::Error.

void run(const General& general, const Help& help);
void run(const General& general, const VersionOptions& options);
void run(const General& general, const SpacesOptions& options);
void run(const General& general, const SpaceOptions& options);
void run(const General& general, const NetOptions& options);
void run(const General& general, const MeasureOptions& options);
void run(const General& general, const TableInfoOptions& options);
void run(const General& general, const TableCheckOptions& options);
void run(const General& general, const TableDiffOptions& options);
void run(const General& general, const TableRebuildOptions& options);
void run(const General& general, const TrainOptions& options);
void run(const General& general, const EvaluateOptions& options);
void run(const General& general, const SearchOptions& options);
void run(const General& general, const ExportOptions& options);
void run(const General& general, const ReportOptions& options);
void run(const General& general, const DoctorOptions& options);
void run(const General& general, const ConfigExplainOptions& options);
void run(const General& general, const ConfigCheckOptions& options);

}  // namespace lathe::cli
