// What a thread works on at a time: 16 bytes of a row of logits, in registers as fp32. Columns of a
// piece that the row (or its teacher) does not have are held as -inf, which adds to no sum, so that
// the arithmetic needs no bounds.
//
// No launch and no header of CUDA in the kernels' files, so that a test can run them on a CPU.
#pragma once

#include <cfloat>
#include <cmath>
#include <cstdint>

#if defined(__CUDACC__)
#define DISTILL_UNROLL _Pragma("unroll")
#define DISTILL_UNROLL_4 _Pragma("unroll 4")
#else
#define DISTILL_UNROLL
#define DISTILL_UNROLL_4
#endif

namespace distill::cuda {

struct Bfloat16Bits {
  unsigned short bits;
};

__device__ inline float to_float(float x) { return x; }
__device__ inline float to_float(Bfloat16Bits x) {
  return __uint_as_float(static_cast<unsigned>(x.bits) << 16);
}
__device__ inline void put(float& to, float x) { to = x; }
/// Rounds to nearest even. The NaNs of arithmetic stay NaN.
__device__ inline void put(Bfloat16Bits& to, float x) {
  const unsigned bits = __float_as_uint(x);
  to.bits = static_cast<unsigned short>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

template <class T>
struct Piece {
  static constexpr int kWidth = 16 / sizeof(T);
  float values[kWidth];

  /// `z` lies on 16 bytes.
  __device__ static Piece load(const T* z) {
    const uint4 bits = *reinterpret_cast<const uint4*>(z);
    const T* elements = reinterpret_cast<const T*>(&bits);
    Piece piece;
    DISTILL_UNROLL
    for (int j = 0; j < kWidth; ++j) piece.values[j] = to_float(elements[j]);
    return piece;
  }

  /// Columns from `count` on are masked.
  __device__ static Piece load(const T* z, int count) {
    Piece piece;
    DISTILL_UNROLL
    for (int j = 0; j < kWidth; ++j) piece.values[j] = j < count ? to_float(z[j]) : -INFINITY;
    return piece;
  }

  /// Past the caches: nobody reads it before the whole chunk of rows is done.
  __device__ void store(T* z) const {
    uint4 bits;
    T* elements = reinterpret_cast<T*>(&bits);
    DISTILL_UNROLL
    for (int j = 0; j < kWidth; ++j) put(elements[j], values[j]);
    __stcs(reinterpret_cast<uint4*>(z), bits);
  }

  /// The columns [begin, end) alone.
  __device__ void store(T* z, int begin, int end) const {
    DISTILL_UNROLL
    for (int j = 0; j < kWidth; ++j) {
      if (begin <= j && j < end) put(z[j], values[j]);
    }
  }

  __device__ void keep(int begin, int end) {
    DISTILL_UNROLL
    for (int j = 0; j < kWidth; ++j) {
      if (j < begin || end <= j) values[j] = -INFINITY;
    }
  }

  __device__ float greatest() const {
    float most = values[0];
    DISTILL_UNROLL
    for (int j = 1; j < kWidth; ++j) most = fmaxf(most, values[j]);
    return most;
  }
};

}  // namespace distill::cuda
