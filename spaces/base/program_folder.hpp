#pragma once

#include <filesystem>

namespace lathe {

/// The folder that this program's file lies in, however it was started: what belongs to a build or
/// an installation (configs, the probe, shared libraries) is looked for from here. MissingEntry
/// where the system does not tell.
std::filesystem::path program_folder();

}  // namespace lathe
