// The arithmetic of fused_loss, written once: on float in the CUDA kernels, on vectors of float in
// the CPU's, on double in the tests. A is the type of an element's numbers, S the scalar in it.
//
// A row pair is read for the sums of `Statistics`, which parts of a row gather on their own and
// which `merged` adds; once more for `share` where the divergence's mixture needs both normalised
// probabilities; and for the gradient. s and t below are logits less their row's (or part's)
// maximum, so that the numbers which weigh most are the most exact.
#pragma once

#include <limits>

#include "distill/ops/divergence.h"

#if defined(__CUDACC__)
#define DISTILL_FORMULA __host__ __device__ inline
#else
#define DISTILL_FORMULA [[gnu::always_inline]] inline
#endif

namespace distill::formula {

/// Calls body.operator()<D>() for the divergence.
template <class Body>
void with_divergence(Divergence divergence, const Body& body) {
  switch (divergence) {
    case Divergence::kNone:
      return body.template operator()<Divergence::kNone>();
    case Divergence::kForwardKl:
      return body.template operator()<Divergence::kForwardKl>();
    case Divergence::kReverseKl:
      return body.template operator()<Divergence::kReverseKl>();
    case Divergence::kSymmetricKl:
      return body.template operator()<Divergence::kSymmetricKl>();
    case Divergence::kJsd:
      return body.template operator()<Divergence::kJsd>();
    case Divergence::kSkewedForwardKl:
      return body.template operator()<Divergence::kSkewedForwardKl>();
    case Divergence::kSkewedReverseKl:
      return body.template operator()<Divergence::kSkewedReverseKl>();
    case Divergence::kTotalVariation:
      return body.template operator()<Divergence::kTotalVariation>();
    case Divergence::kMseLogits:
      return body.template operator()<Divergence::kMseLogits>();
  }
}

/// KL in either direction: built on the gap of the logits, not on the probabilities' mixture.
constexpr bool uses_gap(Divergence d) {
  return d == Divergence::kForwardKl || d == Divergence::kReverseKl ||
         d == Divergence::kSymmetricKl;
}
constexpr bool uses_forward_moment(Divergence d) {
  return d == Divergence::kForwardKl || d == Divergence::kSymmetricKl;
}
constexpr bool uses_reverse_moment(Divergence d) {
  return d == Divergence::kReverseKl || d == Divergence::kSymmetricKl;
}
constexpr bool uses_mixture(Divergence d) {
  return d == Divergence::kJsd || d == Divergence::kSkewedForwardKl ||
         d == Divergence::kSkewedReverseKl || d == Divergence::kTotalVariation;
}

/// One element of a pair of rows at temperature T.
template <class A>
struct Element {
  A exp_s, exp_t;  // exp(s / T), exp(t / T); zero where the logit is -inf
  A gap;           // s - t; only where uses_gap
};

/// Sums over a part of a pair of rows.
template <class S>
struct Statistics {
  S max_s, max_t;              // finite even where all is masked, so that s and t are no NaN
  S exp_s = 0, exp_t = 0;      // sum exp(s / T), sum exp(t / T)
  S forward = 0, reverse = 0;  // sum exp(t / T) (t - s), sum exp(s / T) (s - t)
};

/// exp(t / T) (t - s)
template <class A>
DISTILL_FORMULA A forward_moment(const Element<A>& e) {
  return e.exp_t * (e.exp_t == 0 ? A{} : -e.gap);
}

/// exp(s / T) (s - t)
template <class A>
DISTILL_FORMULA A reverse_moment(const Element<A>& e) {
  return e.exp_s * (e.exp_s == 0 ? A{} : e.gap);
}

/// The same sums relative to other maxima, which are no smaller.
template <class S, class Exp>
DISTILL_FORMULA Statistics<S> shifted(const Statistics<S>& x, S max_s, S max_t,
                                      S inverse_temperature, const Exp& exp) {
  const S down_s = max_s - x.max_s, down_t = max_t - x.max_t;
  const S factor_s = exp(-down_s * inverse_temperature);
  const S factor_t = exp(-down_t * inverse_temperature);
  return {max_s,
          max_t,
          factor_s * x.exp_s,
          factor_t * x.exp_t,
          factor_t * (x.forward + (down_s - down_t) * x.exp_t),
          factor_s * (x.reverse + (down_t - down_s) * x.exp_s)};
}

/// The sums over two parts of a row together.
template <class S, class Exp>
DISTILL_FORMULA Statistics<S> merged(const Statistics<S>& x, const Statistics<S>& y,
                                     S inverse_temperature, const Exp& exp) {
  const S max_s = x.max_s > y.max_s ? x.max_s : y.max_s;
  const S max_t = x.max_t > y.max_t ? x.max_t : y.max_t;
  const Statistics<S> a = shifted(x, max_s, max_t, inverse_temperature, exp);
  const Statistics<S> b = shifted(y, max_s, max_t, inverse_temperature, exp);
  return {max_s,
          max_t,
          a.exp_s + b.exp_s,
          a.exp_t + b.exp_t,
          a.forward + b.forward,
          a.reverse + b.reverse};
}

/// The KLs of a row from its sums, before T^2; exactly zero for equal rows.
template <class S, class Log>
DISTILL_FORMULA S forward_kl(const Statistics<S>& x, S inverse_temperature, const Log& log) {
  return x.forward / x.exp_t * inverse_temperature + (log(x.exp_s) - log(x.exp_t));
}
template <class S, class Log>
DISTILL_FORMULA S reverse_kl(const Statistics<S>& x, S inverse_temperature, const Log& log) {
  return x.reverse / x.exp_s * inverse_temperature - (log(x.exp_s) - log(x.exp_t));
}

/// What the kernel knows of a row when it differentiates.
template <class S>
struct Row {
  S ratio, temperature;
  S inverse_s, inverse_t;  // 1 / sum of exponentials
  S sum_ratio;             // the student's sum over the teacher's
  S mean_gap;              // sum p (s - t)
  S inner = 0;             // sum p h, see `derivative`
};

/// `from` may be more precise than the row.
template <class S, class From>
DISTILL_FORMULA Row<S> make_row(const Statistics<From>& sums, From ratio, From temperature) {
  return {static_cast<S>(ratio),
          static_cast<S>(temperature),
          static_cast<S>(1 / sums.exp_s),
          static_cast<S>(1 / sums.exp_t),
          static_cast<S>(sums.exp_s / sums.exp_t),
          static_cast<S>(sums.reverse / sums.exp_s)};
}

/// p and q, and p - q so computed that it is zero for equal rows whatever the compiler contracts.
template <class A>
struct Probabilities {
  A p, q, difference;
};

template <class A, class S>
DISTILL_FORMULA Probabilities<A> probabilities(const Element<A>& e, const Row<S>& row) {
  return {e.exp_s * row.inverse_s, e.exp_t * row.inverse_t,
          (e.exp_s - e.exp_t * row.sum_ratio) * row.inverse_s};
}

template <class A, class S>
DISTILL_FORMULA A mixture(const Probabilities<A>& x, S teacher_share) {
  return x.p - teacher_share * x.difference;
}

/// What is multiplied by p = 0 only has to be finite.
template <class S, class A>
DISTILL_FORMULA A positive(A x) {
  const A least = A{} + std::numeric_limits<S>::min();
  return x < least ? least : x;
}

/// log(x / m). `logarithm` is the kernel's own.
template <class S, class A, class Log>
DISTILL_FORMULA A log_ratio(A x, A m, const Log& logarithm) {
  return logarithm(positive<S>(x) / positive<S>(m));
}

/// The element's share of the divergence, before T^2.
template <Divergence D, class A, class S, class Log>
DISTILL_FORMULA A share(const Probabilities<A>& x, S ratio, const Log& logarithm) {
  if constexpr (D == Divergence::kJsd) {
    const A m = mixture(x, ratio);
    return ratio * x.q * log_ratio<S>(x.q, m, logarithm) +
           (1 - ratio) * x.p * log_ratio<S>(x.p, m, logarithm);
  } else if constexpr (D == Divergence::kSkewedForwardKl) {
    return x.q * log_ratio<S>(x.q, mixture(x, ratio), logarithm);
  } else if constexpr (D == Divergence::kSkewedReverseKl) {
    return x.p * log_ratio<S>(x.p, mixture(x, 1 - ratio), logarithm);
  } else {
    return (x.difference < 0 ? -x.difference : x.difference) / 2;
  }
}

/// The derivative of the divergence by p, less a constant that makes it zero where p equals q: h in
/// the gradient T p (h - sum p h).
template <Divergence D, class A, class S, class Log>
DISTILL_FORMULA A derivative(const Probabilities<A>& x, S ratio, const Log& logarithm) {
  if constexpr (D == Divergence::kTotalVariation) {
    const A half = A{} + static_cast<S>(0.5);
    return x.difference > 0 ? half : x.difference < 0 ? -half : A{};
  } else if constexpr (D == Divergence::kJsd) {
    return (1 - ratio) * log_ratio<S>(x.p, mixture(x, ratio), logarithm);
  } else if constexpr (D == Divergence::kSkewedForwardKl) {
    return (1 - ratio) * (1 - ratio) * (x.difference / positive<S>(mixture(x, ratio)));
  } else {
    const A m = mixture(x, 1 - ratio);
    return log_ratio<S>(x.p, m, logarithm) - ratio * (1 - ratio) * (x.difference / positive<S>(m));
  }
}

/// The gradient of T^2 D by the student's logit. mse_logits has its own, which needs no softmax.
template <Divergence D, class A, class S, class Log>
DISTILL_FORMULA A gradient(const Element<A>& e, const Row<S>& row, const Log& logarithm) {
  const Probabilities<A> x = probabilities(e, row);
  const A forward = row.temperature * x.difference;
  const A reverse = x.p * (e.exp_s == 0 ? A{} : e.gap - row.mean_gap);
  if constexpr (D == Divergence::kForwardKl) {
    return forward;
  } else if constexpr (D == Divergence::kReverseKl) {
    return reverse;
  } else if constexpr (D == Divergence::kSymmetricKl) {
    return row.ratio * forward + (1 - row.ratio) * reverse;
  } else {
    return row.temperature * x.p * (derivative<D>(x, row.ratio, logarithm) - row.inner);
  }
}

}  // namespace distill::formula
