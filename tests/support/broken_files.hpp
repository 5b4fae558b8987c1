#pragma once

#include "spaces/base/error.hpp"

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace lathe::test {

/// What a mutation does to one place of a document. Each is tried at every place where it changes
/// what stands there.
///   null, yes, integer, fraction, text, list, object: another type (true, 7, 1.5, "x", [], {});
///     in place of a text, "x" is tried for "format" only
///   whole: an integer n as n.0                        minus: -1
///   huge: 10^18      minus_huge: -10^18               unsigned64: 2^63      beyond: 2^64
///   unknown: one more key in an object
///   misspelt: a key with a letter too many, which has to name the right one
/// Without a place of their own, and never lawful: the file missing, a folder, unreadable, empty,
/// blank, cut off at every power of two, followed by more; another value in place of the whole;
/// lists too deep; at each number NaN, Infinity and 1e400; in each object a key twice; at each text
/// a byte that is no UTF-8.
enum class Mutation {
  null,
  yes,
  integer,
  fraction,
  text,
  list,
  object,
  whole,
  minus,
  huge,
  minus_huge,
  unsigned64,
  beyond,
  unknown,
  misspelt
};

/// A mutation that leaves the document valid, and so has to be read.
struct Lawful {
  /// JSON pointer; a step `*` is any one, a last step `**` any number. A line of JSONL is the first
  /// step, from 0.
  std::string place;
  std::vector<Mutation> mutations;  ///< empty: all
};

/// One kind of file, its reader, and what of its schema a mutation has to know.
struct BrokenFiles {
  std::string name;   ///< of the file, with its ending
  std::string valid;  ///< a document that is read
  std::function<void(const std::filesystem::path&)> read;
  ExitCode code = ExitCode::input;  ///< of refusals; configs: ExitCode::usage
  bool lines = false;               ///< JSONL; a torn last line is lawful there
  bool may_be_empty = false;        ///< JSONL that may have no whole line
  std::vector<Lawful> lawful = {};
  /// Mutations whose refusal names another place of the file: what does not fit with the rest.
  std::vector<Lawful> elsewhere = {};
  std::string missing = "nothing";  ///< what is found where the file is missing
};

/// Writes every broken form of the document into a folder and reads it. Each has to be refused with
/// the exit code and one line of four parts that names file, JSON pointer (or line), expectation
/// and finding; those that are lawful have to be read; and no other file may appear in the folder.
/// Fails the test with the first of what is wrong; returns how many files of each kind were tried.
std::map<std::string, int> check_broken_files(const BrokenFiles& files);

/// One broken form of a text that is no JSON.
struct BrokenText {
  std::string text, expected;  ///< `expected`: a part of the message
};
/// The same for files that are no JSON: missing, folder, unreadable, and each of `texts`.
void check_broken_texts(const BrokenFiles& files, const std::vector<BrokenText>& texts);

/// What stands between the first fence of that language and its end in a page of docs/file-formats.
std::string example_in(const std::string& page, const std::string& language);

}  // namespace lathe::test
