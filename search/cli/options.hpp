#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace lathe::cli {

/// What every command takes.
struct General {
  bool json = false;                      ///< --json: one object a line on stdout and nothing else
  bool quiet = false;                     ///< --quiet: warnings only on stderr
  std::filesystem::path configs;          ///< --configs; empty: the folder beside the program
  std::vector<std::string> command_line;  ///< argv, for manifests
};

/// What the long commands take besides.
struct Long {
  std::filesystem::path out;  ///< --out: the product; never overwritten
  bool resume = false;        ///< --resume: go on with `out`
  std::optional<std::uint64_t> seed;
  int threads = 0;                     ///< this program's; 0: one per processor
  std::vector<std::string> overrides;  ///< --set path=value, in the order typed
};

/// --help was asked for: the text to print.
struct Help {
  std::string text;
};
struct VersionOptions {};
struct SpacesOptions {};
struct SpaceOptions {
  std::string space;
};
struct NetOptions {
  std::string space;
  std::vector<std::string> tables;  ///< FILE or NAME=FILE
  bool layers = false;
  std::string to;         ///< lathe, text, ofa, ops, mnasnet; empty: count
  std::string bn_params;  ///< none, affine, all
  bool count_pooling = false;
  std::string memory;  ///< fp32, int8, int8,in-place
  std::vector<std::string> nets;
};
struct MeasureOptions : Long {
  std::string space;
  std::string device = "local", engine, precision;
  std::string config;  ///< --config: a measure config, for the protocol
  std::string name;    ///< the table's; empty: the device's
  std::string cores;   ///< "0,2-3"
  std::optional<int> device_threads, rounds;
  bool plan = false, missing = false, allow_debug = false;
  bool whole_networks = false;  ///< --nets: `nets` instead of the space's blocks
  std::vector<std::string> nets;
};
struct TableInfoOptions {
  std::string table;
};
struct TableCheckOptions {
  std::string table, against;
};
struct TableDiffOptions {
  std::string a, b;
};
struct TableRebuildOptions {
  std::string samples;
  std::filesystem::path out;
};
struct TrainOptions : Long {
  std::string config;
};
struct EvaluateOptions {
  std::filesystem::path run;
  std::vector<std::string> nets, tables;
  std::string split = "val";
  int threads = 0;
};
struct SearchOptions : Long {
  std::string config;  ///< empty: the flag form
  std::string space, supernet;
  std::vector<std::string> tables, budgets, devices;  ///< each [NAME=]VALUE
  std::string max_macs, max_params, max_memory;
  std::optional<int> evaluations;
  bool no_prove = false;
};
struct ExportOptions {
  std::filesystem::path run;
  std::string net;              ///< empty: a search run's chosen network
  std::vector<std::string> to;  ///< onnx, torchscript
  std::filesystem::path out;
  int images = 16;
};
struct ReportOptions {
  std::vector<std::filesystem::path> runs;
  std::filesystem::path out;  ///< empty: a summary on stdout
};
struct DoctorOptions {};
struct ConfigExplainOptions {
  std::string kind;
};
struct ConfigCheckOptions {
  std::string file;
};

using Command =
    std::variant<Help, VersionOptions, SpacesOptions, SpaceOptions, NetOptions, MeasureOptions,
                 TableInfoOptions, TableCheckOptions, TableDiffOptions, TableRebuildOptions,
                 TrainOptions, EvaluateOptions, SearchOptions, ExportOptions, ReportOptions,
                 DoctorOptions, ConfigExplainOptions, ConfigCheckOptions>;

struct Parsed {
  General general;
  Command command;
};

/// Reads the command line. Values stay as typed; only whole numbers are read. Throws ConfigError
/// for unknown commands and flags (with the nearest known), missing or repeated values.
Parsed parse_command_line(const std::vector<std::string>& argv);

}  // namespace lathe::cli
