// The arithmetic of a row pair's losses and gradient, for whoever holds the row: a block that reads
// it from global memory, or a cluster that has it in shared memory. `Parts` walks a thread's pieces
// and adds up over all threads:
//   common(), size()                  columns of both models, of the student
//   for_each_pair(body(s, t))         the pieces of the common columns
//   for_each_student(begin, body(s))  the student's pieces from a column on
//   total(x)                          the sum of the threads' x, a RowSums or a float2
// What is not theirs of a piece is masked. Each thread gathers sums relative to the maxima that it
// has met, rescaled when a greater one comes: one reading, not two.
#pragma once

#include "distill/ops/divergence.h"
#include "ops/cuda/fused_loss_settings.cuh"
#include "ops/cuda/fused_loss_sums.cuh"

namespace distill::cuda {

/// What the parts of a row's gradient are multiplied by.
struct GradientFactors {
  float soft, hard;   // of the divergence, of cross-entropy
  float own, shared;  // of exp(z - its maximum): cross-entropy's maximum, the common columns'
};

template <Divergence D, class T>
class RowLoss {
  using Pieces = Piece<T>;
  using Element = formula::Element<float>;
  static constexpr int kWidth = Pieces::kWidth;
  static constexpr bool kTempered = D != Divergence::kNone && D != Divergence::kMseLogits;

 public:
  template <class Parts>
  __device__ RowLoss(const Settings& settings, const Parts& parts) : settings_(settings) {
    if constexpr (D == Divergence::kMseLogits) gather_squares(parts);
    gather_sums(parts);
    if constexpr (formula::uses_mixture(D)) gather_shares(parts);
  }

  __device__ float cross_entropy(float labelled) const {
    return logf(sums_.hard.sum) + (sums_.hard.max - labelled);
  }

  __device__ float divergence() const {
    const float t = settings_.temperature, inverse_t = settings_.inverse_temperature;
    const float square = t * t;
    if constexpr (D == Divergence::kForwardKl) {
      return square * formula::forward_kl(sums_.common, inverse_t, Log{});
    } else if constexpr (D == Divergence::kReverseKl) {
      return square * formula::reverse_kl(sums_.common, inverse_t, Log{});
    } else if constexpr (D == Divergence::kSymmetricKl) {
      return square * (settings_.ratio * formula::forward_kl(sums_.common, inverse_t, Log{}) +
                       (1 - settings_.ratio) * formula::reverse_kl(sums_.common, inverse_t, Log{}));
    } else if constexpr (D == Divergence::kMseLogits) {
      return divergence_;
    } else {
      return square * divergence_;
    }
  }

  __device__ GradientFactors gradient_factors(float weight) const {
    const float hard = settings_.cross_entropy ? weight * settings_.cross_entropy_scale : 0.0f;
    const float own = hard / sums_.hard.sum;
    return {.soft = weight * settings_.divergence_scale * gradient_factor_,
            .hard = hard,
            .own = own,
            .shared = own * Exp{}(sums_.common.max_s - sums_.hard.max)};
  }

  /// The gradient of a piece whose first `taught` columns are common. `label`: the target's column
  /// in the piece, or any number outside.
  __device__ Pieces gradient(const Pieces& s, const Pieces& t, const GradientFactors& factors,
                             int64_t taught, int64_t label) const {
    Pieces gradient;
    if (D != Divergence::kNone && taught >= kWidth) {
      DISTILL_UNROLL
      for (int j = 0; j < kWidth; ++j) {
        gradient.values[j] = in_common(s.values[j], t.values[j], factors);
      }
    } else {
      DISTILL_UNROLL
      for (int j = 0; j < kWidth; ++j) {
        gradient.values[j] = D != Divergence::kNone && j < taught
                                 ? in_common(s.values[j], t.values[j], factors)
                                 : beyond(s.values[j], factors);
      }
    }
    if (0 <= label && label < kWidth) {
      DISTILL_UNROLL
      for (int j = 0; j < kWidth; ++j) {
        if (j == label) gradient.values[j] -= factors.hard;
      }
    }
    return gradient;
  }

 private:
  __device__ static float unmasked_difference(float s, float t) {
    return s == -INFINITY || t == -INFINITY ? 0.0f : s - t;
  }

  __device__ Element element(float s, float t, const formula::Statistics<float>& sums) const {
    s -= sums.max_s;
    t -= sums.max_t;
    return {exp2f(s * settings_.factor), exp2f(t * settings_.factor), s - t};
  }

  /// exp(s)
  __device__ float hardened(float exp_s, float s) const {
    if (settings_.squarings < 0) return Exp{}(s);
    if (settings_.squarings > 0) exp_s *= exp_s;
    if (settings_.squarings > 1) exp_s *= exp_s;
    return exp_s;
  }

  __device__ float in_common(float s, float t, const GradientFactors& factors) const {
    if constexpr (kTempered) {
      const Element e = element(s, t, sums_.common);
      float gradient = factors.soft * formula::gradient<D>(e, row_, Log{});
      if (settings_.cross_entropy) {
        gradient += factors.shared * hardened(e.exp_s, s - sums_.common.max_s);
      }
      return gradient;
    } else {
      return beyond(s, factors) + factors.soft * unmasked_difference(s, t);
    }
  }

  __device__ float beyond(float s, const GradientFactors& factors) const {
    return settings_.cross_entropy ? factors.own * Exp{}(s - sums_.hard.max) : 0.0f;
  }

  template <class Parts>
  __device__ void gather_sums(const Parts& parts) {
    RowSums own;
    if constexpr (kTempered) {
      float hard = 0;
      parts.for_each_pair(
          [&](const Pieces& s, const Pieces& t) { add_pair(s, t, own.common, hard); });
      own.hard.add(own.common.max_s, hard);
    }
    if (settings_.cross_entropy) {
      parts.for_each_student(kTempered ? parts.common() : 0,
                             [&](const Pieces& s) { add_hard(s, own.hard); });
    }
    sums_ = parts.total(own);
    row_ = formula::make_row<float>(sums_.common, settings_.ratio, settings_.temperature);
  }

  __device__ void add_pair(const Pieces& s, const Pieces& t, formula::Statistics<float>& sums,
                           float& hard) const {
    const float max_s = fmaxf(sums.max_s, s.greatest()), max_t = fmaxf(sums.max_t, t.greatest());
    if (max_s > sums.max_s || max_t > sums.max_t) {
      hard *= Exp{}(sums.max_s - max_s);
      sums = formula::shifted(sums, max_s, max_t, settings_.inverse_temperature, Exp{});
    }
    DISTILL_UNROLL
    for (int j = 0; j < kWidth; ++j) {
      const Element e = element(s.values[j], t.values[j], sums);
      sums.exp_s += e.exp_s;
      sums.exp_t += e.exp_t;
      if constexpr (formula::uses_forward_moment(D)) sums.forward += formula::forward_moment(e);
      if constexpr (formula::uses_reverse_moment(D)) sums.reverse += formula::reverse_moment(e);
      if (settings_.cross_entropy) hard += hardened(e.exp_s, s.values[j] - sums.max_s);
    }
  }

  __device__ static void add_hard(const Pieces& s, HardSum& hard) {
    const float max = fmaxf(s.greatest(), -FLT_MAX);
    float sum = 0;
    DISTILL_UNROLL
    for (int j = 0; j < kWidth; ++j) sum += Exp{}(s.values[j] - max);
    hard.add(max, sum);
  }

  template <class Parts>
  __device__ void gather_shares(const Parts& parts) {
    float2 own = {0, 0};
    parts.for_each_pair([&](const Pieces& s, const Pieces& t) {
      DISTILL_UNROLL
      for (int j = 0; j < kWidth; ++j) {
        const auto x =
            formula::probabilities(element(s.values[j], t.values[j], sums_.common), row_);
        own.x += formula::share<D>(x, row_.ratio, Log{});
        own.y += x.p * formula::derivative<D>(x, row_.ratio, Log{});
      }
    });
    const float2 sums = parts.total(own);
    divergence_ = sums.x;
    row_.inner = sums.y;
  }

  template <class Parts>
  __device__ void gather_squares(const Parts& parts) {
    float2 own = {0, 0};
    parts.for_each_pair([&](const Pieces& s, const Pieces& t) {
      DISTILL_UNROLL
      for (int j = 0; j < kWidth; ++j) {
        const float difference = unmasked_difference(s.values[j], t.values[j]);
        own.x += difference * difference;
        own.y += s.values[j] == -INFINITY || t.values[j] == -INFINITY ? 0.0f : 1.0f;
      }
    });
    const float2 sums = parts.total(own);
    divergence_ = sums.y > 0 ? sums.x / sums.y : 0.0f;
    gradient_factor_ = sums.y > 0 ? 2 / sums.y : 0.0f;
  }

  const Settings& settings_;
  RowSums sums_;
  formula::Row<float> row_{};
  float divergence_ = 0, gradient_factor_ = 1;
};

}  // namespace distill::cuda
