// What the CPU kernels share. A kernel is a function of one row, written as plain `omp simd` loops
// and marked DISTILL_MULTIVERSION, and a loop over rows under at::parallel_for. A row's result
// never depends on the number of threads.
#pragma once

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <type_traits>

// One copy of the function for each class of x86 processor, chosen when the program is loaded.
// What it calls must be always_inline, or it stays in the baseline version. Lambdas in it do too.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define DISTILL_MULTIVERSION \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define DISTILL_MULTIVERSION
#endif
#define DISTILL_INLINE [[gnu::always_inline]] inline

namespace distill {

/// The type of the arithmetic on elements of type T.
template <class T>
using Arithmetic = std::conditional_t<std::is_same_v<T, double>, double, float>;

DISTILL_INLINE double load(double x) { return x; }
DISTILL_INLINE float load(float x) { return x; }
DISTILL_INLINE float load(const at::BFloat16& x) {
  return std::bit_cast<float>(static_cast<uint32_t>(x.x) << 16);
}

DISTILL_INLINE void store(double& to, double x) { to = x; }
DISTILL_INLINE void store(float& to, float x) { to = x; }
/// Rounds to nearest even; NaN stays NaN. Integer operations, which the compiler vectorises.
DISTILL_INLINE void store(at::BFloat16& to, float x) {
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  const uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  to.x = static_cast<uint16_t>((bits & 0x7fffffff) > 0x7f800000 ? 0x7fc0 : rounded);
}

DISTILL_INLINE double exponential(double x) { return std::exp(x); }
/// exp within 2 units in the last place for x in [-87, 88], constant outside: 2^n times the series
/// of the rest. Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits.
DISTILL_INLINE float exponential(float x) {
  x = x < -87.0f ? -87.0f : x;
  x = x > 88.0f ? 88.0f : x;
  const float shifted = x * 1.44269504f + 12582912.0f;
  const float n = shifted - 12582912.0f;
  const float rest = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float series = 1.0f / 5040.0f;
  series = series * rest + 1.0f / 720.0f;
  series = series * rest + 1.0f / 120.0f;
  series = series * rest + 1.0f / 24.0f;
  series = series * rest + 1.0f / 6.0f;
  series = series * rest + 0.5f;
  series = series * rest + 1.0f;
  series = series * rest + 1.0f;
  const uint32_t exponent = (std::bit_cast<uint32_t>(shifted) << 23) + (127u << 23);
  return series * std::bit_cast<float>(exponent);
}

/// A tensor [T, D] or [T, H, D] as rows of D features that lie side by side, such as a slice of a
/// fused projection.
template <class T>
struct Rows {
  const T* data;
  int64_t inner;  // rows a step of the first dimension
  int64_t outer_stride, inner_stride;

  const T* operator[](int64_t row) const {
    return data + (row / inner) * outer_stride + (row % inner) * inner_stride;
  }
};

/// `x` itself where Rows can describe it, else a contiguous copy.
inline at::Tensor as_rows(const at::Tensor& x) {
  const bool fits = x.dim() >= 1 && x.dim() <= 3 && (x.stride(-1) == 1 || x.size(-1) == 1);
  return fits ? x : x.contiguous().view({-1, x.size(-1)});
}

template <class T>
Rows<T> rows_of(const at::Tensor& x) {
  return {.data = x.const_data_ptr<T>(),
          .inner = x.dim() == 3 ? std::max<int64_t>(x.size(1), 1) : 1,
          .outer_stride = x.dim() > 1 ? x.stride(0) : 0,
          .inner_stride = x.dim() == 3 ? x.stride(1) : 0};
}

inline int64_t row_count(const at::Tensor& x) {
  return x.size(-1) == 0 ? 0 : x.numel() / x.size(-1);
}

/// Rows of `width` elements that are worth a thread.
inline int64_t row_grain(int64_t width) {
  return std::max<int64_t>(1, 8192 / std::max<int64_t>(width, 1));
}

}  // namespace distill
