#include "supernet/out_of_memory.hpp"

#include <c10/util/Exception.h>

#include <new>
#include <string>

namespace lathe::supernet {

bool is_out_of_memory(const c10::Error& error) {
  return dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr ||
         std::string(error.what_without_backtrace()).find("DefaultCPUAllocator") !=
             std::string::npos;
}

void in_memory(const std::function<void()>& body, const std::function<Problem()>& problem) {
  std::string words;
  try {
    return body();
  } catch (const std::bad_alloc& error) {
    words = error.what();
  } catch (const c10::Error& error) {
    if (!is_out_of_memory(error)) throw;
    words = error.what_without_backtrace();
  }
  Problem found = problem();
  found.found = words;
  throw ResourceError(text(found));
}

}  // namespace lathe::supernet
