// Run-time choice of the instruction set with Google Highway. A file with such loops reads
//
//   #undef HWY_TARGET_INCLUDE
//   #define HWY_TARGET_INCLUDE "kernels/cpu/this_file.cpp"
//   #include "kernels/cpu/simd.hpp"   // compiles what follows once per instruction set
//   HWY_BEFORE_NAMESPACE();
//   namespace afterglow::HWY_NAMESPACE { ... void strip(...) ... }
//   HWY_AFTER_NAMESPACE();
//   #if HWY_ONCE
//   namespace afterglow { HWY_EXPORT(strip); ... HWY_DYNAMIC_DISPATCH(strip)(...) ... }
//   #endif
//
// There the loops are either plain ones, which the compiler vectorises for each instruction set, or
// written with Highway's vectors. No include guard: it must be read again in every such file.

// The steps between these make no difference to loops that wait for memory.
#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
