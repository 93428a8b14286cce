// Vectors of float as the compiler's vector extension has them: operators, comparisons and ?: work
// lane by lane. The functions here are what it lacks. All are inlined into code that is compiled
// for one class of processor: nothing of it may be shared between such files, so the vector's width
// is in every name. A double counts as a vector of one.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

#if defined(__AVX512F__) || defined(__AVX2__)
#include <immintrin.h>
#endif

#define DISTILL_VECTOR [[gnu::always_inline]] inline

namespace distill {

#if defined(__AVX512F__)
// Every lane. GCC 12 warns of the plain intrinsics, which leave a register undefined on purpose.
inline constexpr __mmask16 kAll = 0xffff;
#endif

template <class S, int64_t N>
struct VectorOf {
  typedef S Type __attribute__((vector_size(N * sizeof(S))));
};

template <class V>
struct VectorTraits {
  using Scalar = float;
  static constexpr int64_t kLanes = sizeof(V) / sizeof(float);
  template <class S>
  using Of = typename VectorOf<S, kLanes>::Type;  // as many lanes of another type
};
template <>
struct VectorTraits<double> {
  using Scalar = double;
  static constexpr int64_t kLanes = 1;
};
template <class V>
using ScalarOf = typename VectorTraits<V>::Scalar;
template <class V>
inline constexpr int64_t kLanes = VectorTraits<V>::kLanes;

/// bfloat16 in memory.
struct Bfloat16Bits {
  uint16_t bits;
};

DISTILL_VECTOR double to_double(double x) { return x; }
DISTILL_VECTOR double to_double(float x) { return x; }
DISTILL_VECTOR double to_double(Bfloat16Bits x) {
  return std::bit_cast<float>(static_cast<uint32_t>(x.bits) << 16);
}

template <class V>
DISTILL_VECTOR V load(const ScalarOf<V>* from) {
  V x;
  std::memcpy(&x, from, sizeof x);
  return x;
}
template <class V>
DISTILL_VECTOR V load(const Bfloat16Bits* from) {
  using Wide = typename VectorTraits<V>::template Of<uint32_t>;
  typename VectorTraits<V>::template Of<uint16_t> narrow;
  std::memcpy(&narrow, from, sizeof narrow);
  return std::bit_cast<V>(__builtin_convertvector(narrow, Wide) << 16);
}

template <class V>
DISTILL_VECTOR void store(ScalarOf<V>* to, V x) {
  std::memcpy(to, &x, sizeof x);
}
/// Rounds to nearest even. A NaN stays one, unless the lower half of its bits is nearly all ones,
/// as in none that comes from a bfloat16 or an operation.
template <class V>
DISTILL_VECTOR void store(Bfloat16Bits* to, V x) {
  using Wide = typename VectorTraits<V>::template Of<uint32_t>;
  using Narrow = typename VectorTraits<V>::template Of<uint16_t>;
  const Wide bits = std::bit_cast<Wide>(x);
  const Wide rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  const Narrow narrow = __builtin_convertvector(rounded, Narrow);
  std::memcpy(to, &narrow, sizeof narrow);
}

/// The greater of two; NaN where `x` is NaN.
template <class V>
DISTILL_VECTOR V greater(V x, V least) {
#if defined(__AVX512F__)
  if constexpr (sizeof(V) == 64) return _mm512_maskz_max_ps(kAll, least, x);
#elif defined(__AVX2__)
  if constexpr (sizeof(V) == 32) return _mm256_max_ps(least, x);
#endif
  return x < least ? least : x;
}

/// The sum of a vector's lanes.
template <class V>
DISTILL_VECTOR double sum_of(V x) {
  if constexpr (kLanes<V> == 1) {
    return x;
  } else {
    double sum = 0;
    for (int64_t i = 0; i < kLanes<V>; ++i) sum += static_cast<double>(x[i]);
    return sum;
  }
}

/// The greatest of a vector's lanes; a NaN may be passed over.
template <class V>
DISTILL_VECTOR ScalarOf<V> greatest_of(V x) {
  if constexpr (kLanes<V> == 1) {
    return x;
  } else {
    ScalarOf<V> most = x[0];
    for (int64_t i = 1; i < kLanes<V>; ++i) most = x[i] > most ? x[i] : most;
    return most;
  }
}

/// 2^r for r in [-1/2, 1/2]: a series fitted for the least relative error, 2e-8.
template <class V>
DISTILL_VECTOR V power_of_two(V r) {
  V series = V{} + 1.5353362e-4f;
  series = series * r + 1.33988739e-3f;
  series = series * r + 9.61843692e-3f;
  series = series * r + 5.55033237e-2f;
  series = series * r + 2.40226477e-1f;
  series = series * r + 6.93147182e-1f;
  return series * r + 1.0f;
}

/// How exp(x / T) is had as 2^(x factor).
template <class S>
struct Exponent {
  S factor;
  S least;  // below it the result is zero

  DISTILL_VECTOR explicit Exponent(double temperature)
      : factor(static_cast<S>(1.4426950408889634 / temperature)), least(S{-125} / factor) {}
};

DISTILL_VECTOR double exponential(double x, const Exponent<double>& by) {
  return std::exp2(x * by.factor);
}

/// For x <= 0, within 2 units in the last place.
template <class V>
DISTILL_VECTOR V exponential(V x, const Exponent<float>& by) {
#if defined(__AVX512F__)
  if constexpr (sizeof(V) == 64) {
    const V bounded = greater(x, V{} + 2 * by.least);
    const V n = _mm512_maskz_roundscale_ps(kAll, bounded * by.factor, _MM_FROUND_TO_NEAREST_INT);
    return _mm512_maskz_scalef_ps(kAll, power_of_two(bounded * by.factor - n), n);
  }
#endif
  using Bits = typename VectorTraits<V>::template Of<uint32_t>;
  const V bounded = greater(x, V{} + by.least);
  const V shifted = bounded * by.factor + 12582912.0f;  // 1.5 * 2^23: n is in the low bits
  const V n = shifted - 12582912.0f;
  const V scale = std::bit_cast<V>((std::bit_cast<Bits>(shifted) << 23) + (127u << 23));
  const V result = power_of_two(bounded * by.factor - n) * scale;
  return x < by.least ? V{} : result;
}

DISTILL_VECTOR double logarithm(double x) { return std::log(x); }

/// log within 2 units in the last place for normal x > 0, exactly 0 at 1, NaN for NaN (x - x): the
/// exponent apart, a series around 1 for the rest in [sqrt(1/2), sqrt(2)).
template <class V>
DISTILL_VECTOR V logarithm(V x) {
  using Bits = typename VectorTraits<V>::template Of<int32_t>;
  const Bits bits = std::bit_cast<Bits>(x);
  const Bits exponent = (bits - 0x3f3504f3) >> 23;
  const V rest = std::bit_cast<V>(bits - (exponent << 23)) - 1.0f;
  const V n = __builtin_convertvector(exponent, V);
  const V square = rest * rest;
  V series = V{} + 7.0376836292e-2f;
  series = series * rest - 1.1514610310e-1f;
  series = series * rest + 1.1676998740e-1f;
  series = series * rest - 1.2420140846e-1f;
  series = series * rest + 1.4249322787e-1f;
  series = series * rest - 1.6668057665e-1f;
  series = series * rest + 2.0000714765e-1f;
  series = series * rest - 2.4999993993e-1f;
  series = series * rest + 3.3333331174e-1f;
  series = series * rest * square - n * 2.12194440e-4f - 0.5f * square;
  return rest + series + n * 0.693359375f + (x - x);
}

}  // namespace distill
