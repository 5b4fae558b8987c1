#pragma once

// Vectors of eight floats for our own kernels.

/// Marks the functions that use them: AVX2 where the processor is an x86-64.
#if defined(__x86_64__)
#define LATHE_TARGET __attribute__((target("avx2,fma")))
#else
#define LATHE_TARGET
#endif

namespace lathe::supernet {

/// Eight neighbouring channels, at any address.
typedef float Lanes __attribute__((vector_size(32), aligned(4), may_alias));

/// Whether this processor runs functions of LATHE_TARGET.
inline bool has_lanes() {
#if defined(__x86_64__)
  static const bool supported =
      __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
  return supported;
#else
  return true;  // the compiler makes of eight lanes what the processor has
#endif
}

}  // namespace lathe::supernet
