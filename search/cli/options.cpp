#include "search/cli/options.hpp"

#include "search/cli/print.hpp"
#include "spaces/base/config_reader.hpp"
#include "spaces/base/error.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>
#include <functional>
#include <limits>
#include <utility>

namespace lathe::cli {
namespace {

using Words = std::vector<std::string>;

std::string listing(const std::vector<std::pair<std::string, std::string>>& rows) {
  std::size_t widest = 0;
  for (const auto& [left, right] : rows) {
    if (left.size() <= 26) widest = std::max(widest, left.size());
  }
  std::string all;
  for (const auto& [left, right] : rows) {
    const bool own_line = left.size() > widest;
    all += "  " + left;
    all +=
        own_line ? "\n" + std::string(widest + 4, ' ') : std::string(widest + 2 - left.size(), ' ');
    all += wrapped(right, widest + 4) + "\n";
  }
  return all;
}

/// What stands on the command line apart from flags, handed out in order.
class Positionals {
 public:
  Positionals(std::string command, Words words)
      : command_(std::move(command)), words_(std::move(words)) {}

  std::string one(const std::string& name) {
    if (next_ == words_.size()) missing(name);
    return words_[next_++];
  }
  std::string maybe_one() { return next_ == words_.size() ? "" : words_[next_++]; }
  Words rest(const std::string& name) {
    if (next_ == words_.size()) missing(name);
    Words all(words_.begin() + static_cast<std::ptrdiff_t>(next_), words_.end());
    next_ = words_.size();
    return all;
  }
  [[noreturn]] void missing(const std::string& what) const {
    throw ConfigError(Problem{command_, what, "nothing", "see `" + command_ + " --help`"});
  }
  void end() const {
    if (next_ == words_.size()) return;
    throw ConfigError(Problem{command_, "no further argument", '"' + words_[next_] + '"',
                              "see `" + command_ + " --help`"});
  }

 private:
  std::string command_;
  Words words_;
  std::size_t next_ = 0;
};

/// One command: what help says, and its parser.
struct Entry {
  std::string name, arguments, summary, example;
  std::function<Command(const Entry&, General&, const Words&)> parse;
};

/// The flags of one command, bound to the fields of its options. CLI11 reads the flags; what is
/// left over comes back as positionals, so that inline JSON is never taken apart.
class Flags {
 public:
  Flags(const Entry& entry, General& general) : entry_(entry), command_("lathe " + entry.name) {
    app_.set_help_flag();
    app_.allow_extras();
    flag("--json", general.json, "results as JSON, one object a line");
    value("--configs", general.configs, "DIR", "where spaces/ lies; else beside the program");
  }

  void flag(const std::string& name, bool& target, const std::string& meaning) {
    app_.add_flag(name, target)->disable_flag_override();
    describe(name, meaning);
  }
  template <typename Text>  // std::string or a path
  void value(const std::string& name, Text& target, const std::string& word,
             const std::string& meaning) {
    app_.add_option_function<std::string>(name, [&target, name, this](const std::string& text) {
      if (text.empty()) throw ConfigError(Problem{command_ + ": " + name, "a value", "\"\"", ""});
      target = text;
    });
    describe(name + " " + word, meaning);
  }
  void list(const std::string& name, Words& target, const std::string& word,
            const std::string& meaning) {
    app_.add_option(name, target)->allow_extra_args(false);
    describe(name + " " + word, meaning + " (repeatable)");
  }
  template <typename Integer>  // int, or an optional of a whole number
  void integer(const std::string& name, Integer& target, Range<std::uint64_t> range,
               const std::string& meaning) {
    app_.add_option_function<std::string>(
        name, [&target, name, range, this](const std::string& text) {
          std::uint64_t number = 0;
          const char* end = text.data() + text.size();
          const auto [stop, error] = std::from_chars(text.data(), end, number);
          if (error != std::errc() || stop != end || number < range.least || number > range.most) {
            throw ConfigError(Problem{command_ + ": " + name,
                                      "a whole number in [" + std::to_string(range.least) + ", " +
                                          std::to_string(range.most) + "]",
                                      text, ""});
          }
          store(target, number);
        });
    describe(name + " N", meaning);
  }
  void threads(int& target) {
    integer("--threads", target, {1, 1024},
            "threads of this program; else the config's, or one per processor");
  }
  void long_running(Long& options, General& general, const std::string& product) {
    value("--out", options.out, product, "the product; refused where it exists");
    flag("--resume", options.resume, "go on with what --out names");
    integer("--seed", options.seed, {0, std::numeric_limits<std::int64_t>::max()},
            "of everything random");
    threads(options.threads);
    list("--set", options.overrides, "PATH=VALUE",
         "overrides one key of the config; file names are relative to the current folder");
    flag("--quiet", general.quiet, "only warnings and errors on stderr");
  }

  Positionals parse(Words args) {
    std::reverse(args.begin(), args.end());  // CLI11 takes them from the back
    try {
      app_.parse(args);
    } catch (const CLI::ArgumentMismatch& mismatch) {
      throw ConfigError(Problem{command_, "every flag once and with its value", mismatch.what(),
                                "see `" + command_ + " --help`"});
    } catch (const CLI::ParseError& error) {
      throw ConfigError(
          Problem{command_, "flags as `" + command_ + " --help` lists them", error.what(), ""});
    }
    Words rest;
    bool only_positionals = false;
    for (const std::string& word : app_.remaining()) {
      if (word == "--" && !only_positionals) {
        only_positionals = true;
      } else if (!only_positionals && word.size() > 1 && word[0] == '-') {
        refuse_flag(word.substr(0, word.find('=')));
      } else {
        rest.push_back(word);
      }
    }
    return {command_, rest};
  }

  std::string help() const {
    std::string all = wrapped(entry_.summary, 0) + "\n\nUsage: ";
    all += wrapped(command_ + (entry_.arguments.empty() ? "" : " " + entry_.arguments), 7);
    return all + "\n\nFlags:\n" + listing(lines_) + "\nExample:\n  " + entry_.example + "\n";
  }

 private:
  static void store(int& target, std::uint64_t number) { target = static_cast<int>(number); }
  template <typename T>
  static void store(std::optional<T>& target, std::uint64_t number) {
    target = static_cast<T>(number);
  }
  void describe(const std::string& left, const std::string& meaning) {
    names_.push_back(left.substr(0, left.find(' ')));
    lines_.emplace_back(left, meaning);
  }
  [[noreturn]] void refuse_flag(const std::string& name) const {
    const std::string near = nearest_word(name, names_);
    throw ConfigError(
        Problem{command_, "a flag that it knows", name,
                near.empty() ? "see `" + command_ + " --help`" : "did you mean " + near + "?"});
  }

  const Entry& entry_;
  std::string command_;
  CLI::App app_;
  Words names_;
  std::vector<std::pair<std::string, std::string>> lines_;
};

// Per command: `declare` names its flags, `accept` takes the positionals and says what is missing.

void declare(Flags&, General&, VersionOptions&) {}
void accept(Positionals&, VersionOptions&) {}

void declare(Flags&, General&, SpacesOptions&) {}
void accept(Positionals&, SpacesOptions&) {}

void declare(Flags&, General&, SpaceOptions&) {}
void accept(Positionals& words, SpaceOptions& o) { o.space = words.one("SPACE"); }

void declare(Flags& flags, General&, NetOptions& o) {
  flags.value("--space", o.space, "SPACE", "the networks' space; else what each network says");
  flags.list("--table", o.tables, "[NAME=]FILE", "predict latency by that table");
  flags.flag("--layers", o.layers, "block by block");
  flags.value("--to", o.to, "FORM", "print each network as lathe, text or ofa instead");
  flags.value("--bn-params", o.bn_params, "WHICH",
              "parameters of batch norm that count: none, affine (if not said), all");
  flags.flag("--count-pooling", o.count_pooling, "pooling costs a MAC per input element");
  flags.value("--memory", o.memory, "CONVENTION",
              "peak memory as fp32 (if not said), int8 or int8,in-place");
}
void accept(Positionals& words, NetOptions& o) {
  o.nets = words.rest("NET (a file, or a network's text or JSON)");
}

void declare(Flags& flags, General& general, MeasureOptions& o) {
  flags.value("--space", o.space, "SPACE", "whose blocks are measured");
  flags.value("--device", o.device, "DEVICE", "local (this machine) if not said");
  flags.long_running(o, general, "TABLE");
  flags.flag("--plan", o.plan, "list what would be measured, and how long it takes; no more");
  flags.flag("--missing", o.missing, "add to the existing TABLE what the space lacks in it");
  flags.flag("--nets", o.whole_networks,
             "measure the networks NET... as wholes; TABLE becomes a measurements file");
  flags.value("--config", o.config, "FILE", "a measure config (configs/measure)");
  flags.value("--engine", o.engine, "ENGINE", "xnnpack if not said; reference");
  flags.value("--precision", o.precision, "P", "fp32 if not said");
  flags.integer("--device-threads", o.device_threads, {1, 1024}, "threads of the engine; 1");
  flags.value("--cores", o.cores, "LIST", "pin to these cores: 0,2-3");
  flags.integer("--rounds", o.rounds, {1, 100000}, "every item once a round");
  flags.value("--name", o.name, "NAME", "the table's name; else its device's");
  flags.flag("--allow-debug", o.allow_debug, "write a table from a debug build");
}
void accept(Positionals& words, MeasureOptions& o) {
  if (o.space.empty()) words.missing("--space SPACE");
  if (o.out.empty() && !o.plan) words.missing("--out TABLE (or --plan)");
  if (o.whole_networks) o.nets = words.rest("NET after --nets");
}

void declare(Flags&, General&, TableInfoOptions&) {}
void accept(Positionals& words, TableInfoOptions& o) { o.table = words.one("TABLE"); }

void declare(Flags& flags, General&, TableCheckOptions& o) {
  flags.value("--against", o.against, "FILE", "measurements of whole networks (measure --nets)");
}
void accept(Positionals& words, TableCheckOptions& o) {
  o.table = words.one("TABLE");
  if (o.against.empty()) words.missing("--against MEASUREMENTS");
}

void declare(Flags&, General&, TableDiffOptions&) {}
void accept(Positionals& words, TableDiffOptions& o) {
  o.a = words.one("two tables");
  o.b = words.one("a second table");
}

void declare(Flags& flags, General&, TableRebuildOptions& o) {
  flags.value("--out", o.out, "TABLE", "the table to write; refused where it exists");
}
void accept(Positionals& words, TableRebuildOptions& o) {
  o.samples = words.one("SAMPLES (TABLE.samples.jsonl)");
  if (o.out.empty()) words.missing("--out TABLE");
}

void declare(Flags& flags, General& general, TrainOptions& o) {
  flags.long_running(o, general, "RUN");
}
void accept(Positionals& words, TrainOptions& o) {
  o.config = words.one("CONFIG");
  if (o.out.empty()) words.missing("--out RUN");
}

void declare(Flags& flags, General& general, EvaluateOptions& o) {
  flags.value("--split", o.split, "SPLIT", "val (if not said) or test");
  flags.list("--table", o.tables, "[NAME=]FILE", "predict latency by that table");
  flags.threads(o.threads);
  flags.flag("--quiet", general.quiet, "only warnings and errors on stderr");
}
void accept(Positionals& words, EvaluateOptions& o) {
  o.run = words.one("RUN");
  o.nets = words.rest("NET (a file, or a network's text or JSON)");
}

void declare(Flags& flags, General& general, SearchOptions& o) {
  flags.long_running(o, general, "RUN");
  flags.value("--supernet", o.supernet, "RUN", "whose weights judge accuracy (evaluator.run)");
  flags.value("--space", o.space, "SPACE", "the space, perhaps with pins; else the supernet's");
  flags.list("--table", o.tables, "[NAME=]FILE", "latency tables (tables.NAME)");
  flags.list("--latency-budget", o.budgets, "[NAME=]T",
             "at most that latency, 20ms; or middle: halfway between the fastest and the slowest");
  flags.value("--max-macs", o.max_macs, "N", "at most 300M multiply-accumulates");
  flags.value("--max-params", o.max_params, "N", "at most 5M parameters");
  flags.value("--max-memory", o.max_memory, "SIZE", "at most 4MiB of peak activation memory");
  flags.list("--device", o.devices, "[NAME=]DEVICE",
             "where the budget is proved; else the table's own device if it is there");
  flags.flag("--no-prove", o.no_prove, "do not measure the result");
  flags.integer("--evaluations", o.evaluations, {1, 100000000},
                "networks to evaluate (budget.evaluations)");
}
void accept(Positionals& words, SearchOptions& o) {
  o.config = words.maybe_one();
  if (o.config.empty() && o.supernet.empty()) words.missing("CONFIG or --supernet RUN");
  if (o.out.empty()) words.missing("--out RUN");
}

void declare(Flags& flags, General& general, ExportOptions& o) {
  flags.list("--to", o.to, "FORMATS", "onnx, torchscript, or both with a comma; onnx if not said");
  flags.value("--out", o.out, "DIR", "where the files go; refused where it exists");
  flags.integer("--images", o.images, {1, 10000}, "images that the files are checked on; 16");
  flags.flag("--quiet", general.quiet, "only warnings and errors on stderr");
}
void accept(Positionals& words, ExportOptions& o) {
  o.run = words.one("RUN");
  o.net = words.maybe_one();
  if (o.out.empty()) words.missing("--out DIR");
  if (o.to.empty()) o.to = {"onnx"};
}

void declare(Flags& flags, General&, ReportOptions& o) {
  flags.value("--out", o.out, "FILE.html", "write one page there; else a summary on stdout");
}
void accept(Positionals& words, ReportOptions& o) {
  for (const std::string& run : words.rest("RUN")) o.runs.emplace_back(run);
}

void declare(Flags&, General&, DoctorOptions&) {}
void accept(Positionals&, DoctorOptions&) {}

void declare(Flags&, General&, ConfigExplainOptions&) {}
void accept(Positionals& words, ConfigExplainOptions& o) {
  o.kind = words.one("KIND (train, search, measure, device or space)");
}

void declare(Flags&, General&, ConfigCheckOptions&) {}
void accept(Positionals& words, ConfigCheckOptions& o) { o.file = words.one("FILE"); }

bool wants_help(const Words& args) {
  const auto end = std::find(args.begin(), args.end(), "--");
  return std::any_of(args.begin(), end,
                     [](const std::string& word) { return word == "--help" || word == "-h"; });
}

template <typename Options>
Command parse_as(const Entry& entry, General& general, const Words& args) {
  Options options;
  Flags flags(entry, general);
  declare(flags, general, options);
  if (wants_help(args)) return Help{flags.help()};
  Positionals words = flags.parse(args);
  accept(words, options);
  words.end();
  return options;
}

std::vector<Entry> entries() {
  return {
      {"spaces", "", "The search spaces and published networks there are.", "lathe spaces",
       parse_as<SpacesOptions>},
      {"space", "SPACE",
       "One space: its stages and decisions, how many networks it holds, and its smallest and "
       "largest network.",
       "lathe space ofa-mbv3:width=1.2", parse_as<SpaceOptions>},
      {"net", "[--space SPACE] NET...",
       "Counts networks: MACs, parameters, peak activation memory, and latency by tables.",
       "lathe net --space mobilenet-v2 '{\"width\":1.3}'", parse_as<NetOptions>},
      {"measure", "--space SPACE --out TABLE",
       "Plans, measures and writes a latency table; its raw samples go to TABLE.samples.jsonl.",
       "lathe measure --space tiny --device local --out laptop.json", parse_as<MeasureOptions>},
      {"table info", "TABLE", "What a latency table says of itself.",
       "lathe table info laptop.json", parse_as<TableInfoOptions>},
      {"table check", "TABLE --against MEASUREMENTS", "A table's error on measured whole networks.",
       "lathe table check laptop.json --against nets.json", parse_as<TableCheckOptions>},
      {"table diff", "A B", "Two tables side by side.", "lathe table diff before.json after.json",
       parse_as<TableDiffOptions>},
      {"table rebuild", "SAMPLES --out TABLE", "A table from the raw samples of a measurement.",
       "lathe table rebuild laptop.json.samples.jsonl --out again.json",
       parse_as<TableRebuildOptions>},
      {"train", "CONFIG --out RUN", "Trains a supernet through the phases of a config.",
       "lathe train configs/train/quickstart.json --out runs/train", parse_as<TrainOptions>},
      {"evaluate", "RUN NET...", "Accuracy of networks of a supernet, batch norm recalibrated.",
       "lathe evaluate runs/train best.json", parse_as<EvaluateOptions>},
      {"search", "[CONFIG] --out RUN",
       "Searches for the most accurate network within a budget, and proves it by measuring.",
       "lathe search --supernet runs/train --table laptop.json --latency-budget 2ms --out runs/2ms",
       parse_as<SearchOptions>},
      {"export", "RUN [NET] --out DIR",
       "Writes deployment files, runs them where an engine is present, and says how far each is "
       "from the supernet's own output. RUN is a search run (its chosen network) or a train run "
       "with NET.",
       "lathe export runs/2ms --to onnx,torchscript --out deploy", parse_as<ExportOptions>},
      {"report", "RUN... [--out FILE.html]", "What runs found, on one page or on the terminal.",
       "lathe report runs/2ms --out 2ms.html", parse_as<ReportOptions>},
      {"doctor", "",
       "What this machine can do, which parts of Lathe and of others are there, and what to do "
       "about what is not. Exit 0 if nothing is missing.",
       "lathe doctor", parse_as<DoctorOptions>},
      {"config explain", "KIND",
       "Every key of a kind of config, with type, range, default and meaning.",
       "lathe config explain search", parse_as<ConfigExplainOptions>},
      {"config check", "FILE", "Validates a config without running it.",
       "lathe config check configs/train/quickstart.json", parse_as<ConfigCheckOptions>},
      {"version", "", "Version, git revision, build type and libraries.", "lathe version --json",
       parse_as<VersionOptions>},
  };
}

std::string overview(const std::vector<Entry>& all) {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const Entry& entry : all) rows.emplace_back(entry.name, entry.summary);
  return "Lathe finds the most accurate network within a latency budget, for your device.\n\n"
         "Usage: lathe COMMAND ...    (lathe COMMAND --help tells its flags)\n\n" +
         listing(rows) + "\nExample:\n  lathe net --space mobilenet-v2 '{\"width\":1.3}'\n";
}

/// The commands that begin with that word, or empty if there are none of two words.
std::string group_help(const std::vector<Entry>& all, const std::string& group) {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const Entry& entry : all) {
    if (entry.name.rfind(group + " ", 0) == 0) rows.emplace_back(entry.name, entry.summary);
  }
  if (rows.empty()) return "";
  std::string examples;
  for (const Entry& entry : all) {
    if (entry.name == rows.front().first) examples = entry.example;
  }
  return "Usage: lathe " + group + " COMMAND ...\n\n" + listing(rows) + "\nExample:\n  " +
         examples + "\n";
}

/// The entry that the first one or two words of `args` name; those words are taken off.
const Entry& find_command(const std::vector<Entry>& all, Words& args) {
  Words names, groups;
  for (const Entry& entry : all) {
    const std::size_t space = entry.name.find(' ');
    const bool two = space != std::string::npos;
    if (!two && entry.name == args[0]) {
      args.erase(args.begin());
      return entry;
    }
    if (two && args.size() > 1 && entry.name == args[0] + " " + args[1]) {
      args.erase(args.begin(), args.begin() + 2);
      return entry;
    }
    names.push_back(entry.name.substr(0, space));
    if (two && names.back() == args[0]) groups.push_back(entry.name.substr(space + 1));
  }
  if (groups.empty()) {
    const std::string near = nearest_word(args[0], names);
    throw ConfigError(Problem{"lathe", "a command", '"' + args[0] + '"',
                              near.empty() ? "see `lathe --help`" : "did you mean " + near + "?"});
  }
  std::string words;
  for (const std::string& group : groups) words += (words.empty() ? "" : ", ") + group;
  const std::string near = args.size() > 1 ? nearest_word(args[1], groups) : "";
  throw ConfigError(Problem{"lathe " + args[0], "one of " + words,
                            args.size() > 1 ? '"' + args[1] + '"' : "nothing",
                            near.empty() ? "see `lathe --help`" : "did you mean " + near + "?"});
}

}  // namespace

Parsed parse_command_line(const std::vector<std::string>& argv) {
  Parsed parsed;
  parsed.general.command_line = argv;
  const std::vector<Entry> all = entries();
  Words args(argv.begin() + 1, argv.end());
  if (args.size() > 1 && args[0] == "help") {  // help COMMAND
    args.erase(args.begin());
    args.push_back("--help");
  }
  if (args.empty() || args[0] == "--help" || args[0] == "-h" || args[0] == "help") {
    parsed.command = Help{overview(all)};
    return parsed;
  }
  if (args[0] == "--version") args[0] = "version";
  if (args.size() == 2 && wants_help(args)) {  // the first word of two, as in `lathe table --help`
    const std::string help = group_help(all, args[0]);
    if (!help.empty()) {
      parsed.command = Help{help};
      return parsed;
    }
  }
  const Entry& entry = find_command(all, args);
  parsed.command = entry.parse(entry, parsed.general, args);
  return parsed;
}

}  // namespace lathe::cli
