#include "search/torch/guard.hpp"

#include "spaces/base/error.hpp"
#include "supernet/out_of_memory.hpp"

#include <ATen/Parallel.h>
#include <c10/util/Exception.h>

#include <malloc.h>
#include <new>

namespace lathe::search {

void without_torch_errors(const std::string& what, const std::function<void()>& body) {
  try {
    body();
  } catch (const c10::Error& error) {
    const std::string message = error.what_without_backtrace();
    if (supernet::is_out_of_memory(error)) {
      throw ResourceError(what + ": out of memory: " + message);
    }
    throw LogicError(what + ": LibTorch: " + message);
  } catch (const std::bad_alloc&) {
    throw ResourceError(what + ": out of memory");
  }
}

void keep_freed_memory() {
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, 0x7fffffff);
  mallopt(M_TOP_PAD, 64 << 20);
}

OneTorchThread::OneTorchThread() : before_(at::get_num_threads()) { at::set_num_threads(1); }
OneTorchThread::~OneTorchThread() { at::set_num_threads(before_); }

}  // namespace lathe::search
