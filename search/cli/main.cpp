#include "search/cli/commands.hpp"
#include "search/cli/options.hpp"
#include "search/cli/print.hpp"
#include "spaces/base/error.hpp"

#include <exception>
#include <filesystem>
#include <iostream>
#include <new>
#include <string>
#include <system_error>
#include <variant>
#include <vector>

namespace {

using lathe::ExitCode;

int report(ExitCode code, std::string message) {
  for (char& c : message) {
    if (c == '\n') c = ' ';  // one line, whatever a library said
  }
  std::cerr << message << '\n';
  return static_cast<int>(code);
}

int run(const std::vector<std::string>& argv) {
  const lathe::cli::Parsed parsed = lathe::cli::parse_command_line(argv);
  std::visit([&](const auto& options) { lathe::cli::run(parsed.general, options); },
             parsed.command);
  lathe::cli::flush_output();
  return static_cast<int>(ExitCode::ok);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(std::vector<std::string>(argv, argv + argc));
  } catch (const lathe::Error& error) {
    return report(error.exit_code(), error.what());
  } catch (const std::bad_alloc&) {
    return report(ExitCode::resource, "lathe: out of memory");
  } catch (const std::filesystem::filesystem_error& error) {
    const auto& code = error.code();
    const bool disk = code == std::errc::no_space_on_device || code == std::errc::io_error ||
                      code == std::errc::read_only_file_system;
    return report(disk ? ExitCode::resource : ExitCode::input, error.what());
  } catch (const std::exception& error) {
    return report(ExitCode::bug, std::string("lathe: a bug: ") + error.what());
  } catch (...) {
    return report(ExitCode::bug, "lathe: a bug: an unknown exception");
  }
}
