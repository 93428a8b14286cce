// The loops of the fused loss over a piece of a pair of rows that stays in the first cache.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "ops/cpu/kernel.h"
#include "ops/loss_formula.h"

namespace distill {

using formula::Element;

inline constexpr int64_t kBlock = 512;

/// A piece of a pair of rows, see formula::Element, and the gradient that becomes of it.
template <class A>
struct Buffers {
  A exp_s[kBlock], exp_t[kBlock], gap[kBlock], gradient[kBlock];
};

/// A piece's length and its columns.
template <class A>
struct Block {
  int64_t size;
  A *exp_s, *exp_t, *gap, *gradient;

  DISTILL_INLINE Element<A> operator[](int64_t i) const { return {exp_s[i], exp_t[i], gap[i]}; }
};

/// What `fill` subtracts and divides by.
template <class A>
struct Tempering {
  A max_s, max_t, inverse_temperature;
};

/// exponential() with a true zero for what has none in its range.
DISTILL_INLINE float exponential_or_zero(float x) {
  return exponential(x) * (x < -87.0f ? 0.0f : 1.0f);
}
DISTILL_INLINE double exponential_or_zero(double x) { return std::exp(x); }

template <class T, class A = Arithmetic<T>>
DISTILL_MULTIVERSION A largest(const T* z, int64_t n) {
  A most = -std::numeric_limits<A>::infinity();
#pragma omp simd reduction(max : most)
  for (int64_t i = 0; i < n; ++i) most = std::max(most, load(z[i]));
  return most;
}

template <class T, class A>
DISTILL_MULTIVERSION void fill_exponentials(const T* student, const T* teacher, Tempering<A> by,
                                            Block<A> out) {
#pragma omp simd
  for (int64_t i = 0; i < out.size; ++i) {
    out.exp_s[i] = exponential_or_zero((load(student[i]) - by.max_s) * by.inverse_temperature);
  }
#pragma omp simd
  for (int64_t i = 0; i < out.size; ++i) {
    out.exp_t[i] = exponential_or_zero((load(teacher[i]) - by.max_t) * by.inverse_temperature);
  }
}

template <class T, class A>
DISTILL_MULTIVERSION void fill_gaps(const T* student, const T* teacher, formula::Centre<A> centre,
                                    Block<A> out) {
#pragma omp simd
  for (int64_t i = 0; i < out.size; ++i) {
    out.gap[i] = formula::centred_gap(load(student[i]), load(teacher[i]), centre);
  }
}

/// Sums over the common prefix; the blocks' are added in double.
struct Sums {
  double exp_s = 0, exp_t = 0, forward = 0, reverse = 0;
};

template <class A>
DISTILL_MULTIVERSION void add_exponentials(Block<A> block, Sums& sums) {
  A exp_s = 0, exp_t = 0;
#pragma omp simd reduction(+ : exp_s, exp_t)
  for (int64_t i = 0; i < block.size; ++i) {
    exp_s += block.exp_s[i];
    exp_t += block.exp_t[i];
  }
  sums.exp_s += static_cast<double>(exp_s);
  sums.exp_t += static_cast<double>(exp_t);
}

template <class A>
DISTILL_MULTIVERSION void add_moments(Block<A> block, Sums& sums) {
  A forward = 0, reverse = 0;
#pragma omp simd reduction(+ : forward, reverse)
  for (int64_t i = 0; i < block.size; ++i) {
    forward += formula::forward_moment(block[i]);
    reverse += formula::reverse_moment(block[i]);
  }
  sums.forward += static_cast<double>(forward);
  sums.reverse += static_cast<double>(reverse);
}

/// The divergence's share of the block, and what its gradient subtracts.
struct Middle {
  double loss = 0, inner = 0;
};

template <Divergence D, class A>
DISTILL_MULTIVERSION void add_shares(Block<A> block, formula::Row<A> row, Middle& sums) {
  const auto log = [](A x) __attribute__((always_inline)) { return logarithm(x); };
  A loss = 0, inner = 0;
#pragma omp simd reduction(+ : loss, inner)
  for (int64_t i = 0; i < block.size; ++i) {
    const auto x = formula::probabilities(Element<A>{block.exp_s[i], block.exp_t[i], A{0}}, row);
    loss += formula::share<D>(x, row.ratio, log);
    inner += x.p * formula::derivative<D>(x, row.ratio, log);
  }
  sums.loss += static_cast<double>(loss);
  sums.inner += static_cast<double>(inner);
}

template <Divergence D, class A>
DISTILL_MULTIVERSION void divergence_gradient(Block<A> block, formula::Row<A> row, A scale) {
  const auto log = [](A x) __attribute__((always_inline)) { return logarithm(x); };
#pragma omp simd
  for (int64_t i = 0; i < block.size; ++i) {
    block.gradient[i] = scale * formula::gradient<D>(block[i], row, log);
  }
}

/// How exp(z - max z) follows from exp((z - max z) / T), without an exponential of its own.
enum class HardLoss { kNone, kSame, kSquare, kFourth, kOwn };

/// One of three is 1, the others 0: which power, without a branch in the loop.
template <class A>
struct Power {
  A first, second, fourth;

  explicit Power(HardLoss how)
      : first(how == HardLoss::kSame ? 1 : 0),
        second(how == HardLoss::kSquare ? 1 : 0),
        fourth(how == HardLoss::kFourth ? 1 : 0) {}
  DISTILL_INLINE A of(A soft) const {
    const A square = soft * soft;
    return first * soft + second * square + fourth * (square * square);
  }
};

template <class A>
DISTILL_MULTIVERSION double hard_sum(Block<A> block, Power<A> power) {
  A sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < block.size; ++i) sum += power.of(block.exp_s[i]);
  return static_cast<double>(sum);
}

template <class A>
DISTILL_MULTIVERSION void add_hard_gradient(Block<A> block, Power<A> power, A scale) {
#pragma omp simd
  for (int64_t i = 0; i < block.size; ++i) {
    block.gradient[i] += scale * power.of(block.exp_s[i]);
  }
}

/// The same straight from the logits.
template <class T, class A>
DISTILL_MULTIVERSION double hard_sum(const T* z, int64_t n, A max) {
  A sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; ++i) sum += exponential_or_zero(load(z[i]) - max);
  return static_cast<double>(sum);
}

template <class T, class A>
DISTILL_MULTIVERSION void add_hard_gradient(const T* z, int64_t n, A max, A scale, A* gradient) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) gradient[i] += scale * exponential_or_zero(load(z[i]) - max);
}

template <class T, class A>
DISTILL_MULTIVERSION void store_all(const A* from, int64_t n, T* to) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) store(to[i], from[i]);
}

/// mse_logits: the sum of squared differences and the count of columns that neither model masks.
template <class T, class A = Arithmetic<T>>
DISTILL_MULTIVERSION void add_squares(const T* student, const T* teacher, int64_t n, Sums& sums) {
  constexpr A kMasked = -std::numeric_limits<A>::infinity();
  A squares = 0, count = 0;
#pragma omp simd reduction(+ : squares, count)
  for (int64_t i = 0; i < n; ++i) {
    const A s = load(student[i]), t = load(teacher[i]);
    const bool masked = s == kMasked || t == kMasked;
    squares += masked ? A{0} : (s - t) * (s - t);
    count += masked ? A{0} : A{1};
  }
  sums.forward += static_cast<double>(squares);
  sums.reverse += static_cast<double>(count);
}

template <class T, class A>
DISTILL_MULTIVERSION void square_gradient(const T* student, const T* teacher, int64_t n, A scale,
                                          A* gradient) {
  constexpr A kMasked = -std::numeric_limits<A>::infinity();
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const A s = load(student[i]), t = load(teacher[i]);
    gradient[i] = s == kMasked || t == kMasked ? A{0} : scale * (s - t);
  }
}

}  // namespace distill
