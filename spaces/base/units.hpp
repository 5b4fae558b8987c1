#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace lathe {

/// Latency everywhere in the program; comparing with a literal such as `20ms` just works.
using Micros = std::chrono::duration<double, std::micro>;
using Millis = std::chrono::duration<double, std::milli>;

/// Reads "20ms", "850us", "1.5s", "2min", "1h" (a finite, non-negative number with a unit, no
/// space needed). `where` names the flag or the file and key. Throws ConfigError: without a unit,
/// with trailing text, negative, or too large for a double.
Micros parse_duration(std::string_view word, const std::string& where);

/// Reads a count with an optional suffix k, M or G (powers of 1000): "300M", "1.5G", "4000". The
/// result is a whole number. Throws ConfigError.
std::int64_t parse_count(std::string_view word, const std::string& where);

/// Reads "4MiB", "64KiB", "1GiB", "512B" (binary) and "4MB", "64kB" (decimal). Throws ConfigError.
std::int64_t parse_bytes(std::string_view word, const std::string& where);

/// "20ms", "1.5s", "0.5us": the shortest text, without a leading 0. if there is one, that
/// parse_duration reads back as exactly this value, which is finite and not negative: for configs.
std::string duration_word(Micros duration);

/// "18.3 ms", "850 us", "1.50 s": three significant digits, for people.
std::string text(Micros duration);

/// "950", "5.51 M", "300 M", "1.20 G": three significant digits, for people.
std::string text_count(double count);

/// "5.74 MiB", "64.0 KiB", "512 B": binary, three significant digits, for people.
std::string text_bytes(std::int64_t bytes);

/// "2 min 05 s", "45 s", "1 h 10 min": for time left.
std::string text_rough(Micros duration);

}  // namespace lathe
