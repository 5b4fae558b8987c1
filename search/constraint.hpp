#pragma once

#include <optional>
#include <string>
#include <vector>

namespace lathe::search {

/// What objectives and constraints are of. All are minimised. Units: error a fraction in [0, 1];
/// latency ms; macs and params counts; memory (peak activations, fp32, batch 1) and size
/// (parameters in the precision of their blocks) bytes.
enum class Quantity { error, latency, macs, params, memory, size };

/// An objective's or a constraint's name, taken apart: "latency.pixel" is {latency, "pixel"}.
struct QuantityName {
  Quantity quantity = Quantity::error;
  std::string table;  ///< of latency.NAME, else empty
};
/// Throws ConfigError that lists the known names; `where` is "FILE: /pointer".
QuantityName parse_quantity(const std::string& name, const std::string& where);

/// "ms", "bytes" or "" (error and counts).
std::string unit_of(const std::string& name);
/// A value with its unit, for people: "18.3 ms", "300 M", "5.7 MiB", "0.213".
std::string text_of(const std::string& name, double value);
/// Two values with the unit once where it is the same: "14.2-61.0 ms", "850 us-1.20 ms".
std::string range_text(const std::string& name, double least, double most);

/// An upper bound of one cost; a network that needs exactly as much is feasible.
struct Constraint {
  std::string name;
  /// In the name's unit; nullopt: the middle of what the space can reach ("middle").
  std::optional<double> bound;
};
/// Reads a bound: "20ms" for latency, "300M" for counts, "4MiB" for bytes, or "middle". Throws
/// ConfigError: without a unit, zero, negative, or a constraint of the error (known only
/// afterwards).
Constraint parse_constraint(const std::string& name, const std::string& word,
                            const std::string& where);

}  // namespace lathe::search
