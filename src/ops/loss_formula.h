// The arithmetic of fused_loss on one element, written once: float in the kernels, double in tests.
// A row is read three times: for its maxima, for the sums of `forward_moment` and `reverse_moment`,
// and for the gradient. The divergences whose mixture needs both normalised probabilities read it
// once more, for `share`. Only loaded values and constants are selected, never the result of a
// division or a product: the compiler then needs no branch and vectorises the loop.
#pragma once

#include <limits>

#include "distill/ops/fused_loss.h"

#define DISTILL_FORMULA [[gnu::always_inline]] inline

namespace distill::formula {

/// KL in either direction: built on the gap of the logits, not on the probabilities' mixture.
constexpr bool uses_gap(Divergence d) {
  return d == Divergence::kForwardKl || d == Divergence::kReverseKl ||
         d == Divergence::kSymmetricKl;
}
constexpr bool uses_mixture(Divergence d) {
  return d == Divergence::kJsd || d == Divergence::kSkewedForwardKl ||
         d == Divergence::kSkewedReverseKl || d == Divergence::kTotalVariation;
}

/// A constant that gaps are taken from, in two parts: exact where gap and constant nearly cancel.
template <class A>
struct Centre {
  A high = 0, low = 0;
};

template <class A>
DISTILL_FORMULA Centre<A> make_centre(double value) {
  const A high = static_cast<A>(value);
  return {high, static_cast<A>(value - static_cast<double>(high))};
}

/// (student - teacher) - centre. The difference's own rounding error is added back, or what is left
/// of two large numbers would be mostly that.
template <class A>
DISTILL_FORMULA A centred_gap(A student, A teacher, Centre<A> centre) {
  const A gap = student - teacher;
  const A part = student - gap;
  const A error = (student - (gap + part)) + (part - teacher);
  return (gap - centre.high) + ((error == error ? error : A{0}) - centre.low);
}

/// One element of a pair of rows at temperature T.
template <class A>
struct Element {
  A exp_s, exp_t;  // exp((z - max z) / T) of student and teacher; zero where the logit is -inf
  A gap;           // centred; only where uses_gap
};

/// What the kernel knows of a row when it differentiates.
template <class A>
struct Row {
  A ratio, temperature;
  A inverse_s, inverse_t;  // 1 / sum of exponentials
  A sum_ratio;             // the student's sum over the teacher's
  A inner = 0;             // sum p h, see `derivative`
};

/// T exp_t (log q - log p) but for constants of the row, with gaps centred at max s - max t.
template <class A>
DISTILL_FORMULA A forward_moment(const Element<A>& e) {
  return -e.exp_t * (e.exp_t == 0 ? A{0} : e.gap);
}

/// T exp_s (log p - log q), likewise.
template <class A>
DISTILL_FORMULA A reverse_moment(const Element<A>& e) {
  return e.exp_s * (e.exp_s == 0 ? A{0} : e.gap);
}

/// p and q, and p - q so computed that it is zero for equal rows whatever the compiler contracts.
template <class A>
struct Probabilities {
  A p, q, difference;
};

template <class A>
DISTILL_FORMULA Probabilities<A> probabilities(const Element<A>& e, const Row<A>& row) {
  return {e.exp_s * row.inverse_s, e.exp_t * row.inverse_t,
          (e.exp_s - e.exp_t * row.sum_ratio) * row.inverse_s};
}

template <class A>
DISTILL_FORMULA A mixture(const Probabilities<A>& x, A teacher_share) {
  return x.p - teacher_share * x.difference;
}

/// What is multiplied by p = 0 only has to be finite.
template <class A>
DISTILL_FORMULA A positive(A x) {
  constexpr A kLeast = std::numeric_limits<A>::min();
  return x < kLeast ? kLeast : x;
}

/// x log(x / m), 0 for x = 0. `logarithm` is the kernel's own.
template <class A, class Log>
DISTILL_FORMULA A x_log_ratio(A x, A m, const Log& logarithm) {
  return x * logarithm(positive(x) / positive(m));
}

/// The element's share of the divergence, before T^2.
template <Divergence D, class A, class Log>
DISTILL_FORMULA A share(const Probabilities<A>& x, A ratio, const Log& logarithm) {
  if constexpr (D == Divergence::kJsd) {
    const A m = mixture(x, ratio);
    return ratio * x_log_ratio(x.q, m, logarithm) + (1 - ratio) * x_log_ratio(x.p, m, logarithm);
  } else if constexpr (D == Divergence::kSkewedForwardKl) {
    return x_log_ratio(x.q, mixture(x, ratio), logarithm);
  } else if constexpr (D == Divergence::kSkewedReverseKl) {
    return x_log_ratio(x.p, mixture(x, 1 - ratio), logarithm);
  } else {
    return (x.difference < 0 ? -x.difference : x.difference) / 2;
  }
}

/// The derivative of the divergence by p, less a constant that makes it zero where p equals q: h in
/// the gradient T p (h - sum p h).
template <Divergence D, class A, class Log>
DISTILL_FORMULA A derivative(const Probabilities<A>& x, A ratio, const Log& logarithm) {
  if constexpr (D == Divergence::kTotalVariation) {
    return x.difference > 0 ? A{0.5} : x.difference < 0 ? A{-0.5} : A{0};
  } else {
    const A p = positive(x.p);
    const A m = positive(mixture(x, D == Divergence::kSkewedReverseKl ? 1 - ratio : ratio));
    if constexpr (D == Divergence::kJsd) {
      return (1 - ratio) * logarithm(p / m);
    } else if constexpr (D == Divergence::kSkewedForwardKl) {
      return (1 - ratio) * (1 - ratio) * (x.difference / m);
    } else {
      return logarithm(p / m) - ratio * (1 - ratio) * (x.difference / m);
    }
  }
}

/// The gradient of T^2 D by the student's logit. For the KLs the gaps are centred so that gap / T
/// is log p - log q - KL(p || q). mse_logits has its own, which needs no softmax.
template <Divergence D, class A, class Log>
DISTILL_FORMULA A gradient(const Element<A>& e, const Row<A>& row, const Log& logarithm) {
  const Probabilities<A> x = probabilities(e, row);
  const A reverse = x.p * (e.exp_s == 0 ? A{0} : e.gap);
  if constexpr (D == Divergence::kForwardKl) {
    return row.temperature * x.difference;
  } else if constexpr (D == Divergence::kReverseKl) {
    return reverse;
  } else if constexpr (D == Divergence::kSymmetricKl) {
    return row.ratio * row.temperature * x.difference + (1 - row.ratio) * reverse;
  } else {
    return row.temperature * x.p * (derivative<D>(x, row.ratio, logarithm) - row.inner);
  }
}

}  // namespace distill::formula
