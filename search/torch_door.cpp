#include "search/torch_door.hpp"

#include "spaces/base/error.hpp"
#include "spaces/base/program_folder.hpp"

#include <dlfcn.h>
#include <filesystem>
#include <memory>
#include <string>

namespace lathe::search {
namespace {

constexpr const char* kLibrary = "liblathe_torch.so";

std::string last_error() {
  const char* text = dlerror();
  return text != nullptr ? text : "unknown error of the dynamic linker";
}

}  // namespace

std::filesystem::path find_torch_library() {
  const auto folder = program_folder();
  // Beside the program in a build tree; in lib/ beside bin/ where installed.
  const std::filesystem::path places[] = {folder / kLibrary,
                                          folder.parent_path() / "lib" / kLibrary};
  for (const auto& place : places) {
    if (std::filesystem::exists(place)) return place;
  }
  throw MissingEntry(Problem{places[0].string(), "the shared library that holds LibTorch",
                             "no such file, nor " + places[1].string(),
                             "build with the preset release (core builds without LibTorch)"});
}

std::unique_ptr<TorchDoor> open_torch_door(int threads) {
  const auto file = find_torch_library();
  // Never closed: LibTorch can't be unloaded.
  void* const library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    throw MissingEntry(Problem{file.string(), "a library that the dynamic linker can open",
                               last_error(), "run scripts/setup.sh and build again"});
  }
  const auto interface =
      reinterpret_cast<const char* (*)()>(dlsym(library, "lathe_torch_door_interface"));
  const auto make = reinterpret_cast<TorchDoor* (*)(int)>(dlsym(library, "lathe_torch_door"));
  const std::string found = interface != nullptr ? interface() : "none";
  if (make == nullptr || found != kTorchDoorInterface) {
    throw MissingEntry(Problem{file.string(), std::string("interface ") + kTorchDoorInterface,
                               found, "build program and library together"});
  }
  return std::unique_ptr<TorchDoor>(make(threads));
}

}  // namespace lathe::search
