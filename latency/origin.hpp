#pragma once

#include "latency/job.hpp"
#include "spaces/base/config_reader.hpp"
#include "spaces/base/run_dir.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <string>

namespace lathe::latency {

/// What made measured numbers: stands at the head of tables, measurements and logs.
struct Origin {
  std::string name;  ///< the device's name unless another was given
  DeviceInfo device;
  Protocol protocol;
  std::string space;  ///< name; provenance, not a gate; empty where it is of no one space
  std::uint64_t space_fingerprint = 0;
  std::uint64_t seed = 0;  ///< of order, weights and inputs
  std::string date;        ///< UTC
  Build build;
};

/// An object with format, version, key grammar and all of the origin; the caller adds its own keys.
nlohmann::json head_json(const std::string& format, int version, const Origin& origin);
/// Reads what head_json wrote, first thing in an object. FormatError: another format, version, or a
/// key grammar whose keys mean something else.
void read_head(ConfigReader& reader, const std::string& where, const std::string& format,
               int version, Origin& origin);

}  // namespace lathe::latency
