// What all rows of a launch share, from doubles on the host to fp32 on the device; and what is
// known of one row before its logits are read. A row without a loss, or whose label is none of its
// columns, is settled here: neither kernel looks at its logits.
#pragma once

#include "distill/ops/divergence.h"
#include "ops/cuda/piece.cuh"
#include "ops/loss_rows.h"

namespace distill::cuda {

struct Settings {
  float temperature, inverse_temperature, factor;  // exp(z / T) = 2^(z factor)
  float ratio, divergence_scale, cross_entropy_scale;
  int squarings;  // exp(z) is exp(z / T) squared so often; -1: an exponential of its own
  bool cross_entropy;
};

inline Settings make_settings(const FusedLoss& loss) {
  const double t = loss.temperature;
  const auto narrow = [](double x) { return static_cast<float>(x); };
  return {.temperature = narrow(t),
          .inverse_temperature = narrow(1 / t),
          .factor = narrow(1.4426950408889634 / t),
          .ratio = narrow(loss.ratio),
          .divergence_scale = narrow(loss.divergence_scale),
          .cross_entropy_scale = narrow(loss.cross_entropy_scale),
          .squarings = t == 1   ? 0
                       : t == 2 ? 1
                       : t == 4 ? 2
                                : -1,
          .cross_entropy = loss.cross_entropy};
}

/// Row `r` of the launch, for thread `thread` of the `threads` that work on it.
template <class T>
struct RowOf {
  const LossRows& rows;
  int r, thread, threads;

  __device__ T* student() const {
    return static_cast<T*>(rows.student) + int64_t{r} * rows.student_stride;
  }
  __device__ const T* teacher() const {  // not to be read without a divergence
    return static_cast<const T*>(rows.teacher) + int64_t{r} * rows.teacher_stride;
  }
  __device__ int64_t target() const { return rows.targets[r]; }
  __device__ bool has_label() const { return 0 <= target() && target() < rows.student_size; }
  __device__ float weight() const { return rows.weights != nullptr ? rows.weights[r] : 1.0f; }
  __device__ float scaled(float weight) const {
    return rows.scale != nullptr ? weight * *rows.scale : weight;
  }

  /// For one thread.
  __device__ void report(float cross_entropy, float divergence) const {
    if (rows.cross_entropy != nullptr) static_cast<float*>(rows.cross_entropy)[r] = cross_entropy;
    if (rows.divergence != nullptr) static_cast<float*>(rows.divergence)[r] = divergence;
  }

  __device__ void fill_gradient(float value) const {
    if (!rows.want_gradient) return;
    DISTILL_UNROLL_4
    for (int64_t i = thread; i < rows.student_size; i += threads) put(student()[i], value);
  }

  /// Of a row that has no label.
  __device__ void settle() const {
    const float value = target() == kIgnoredTarget ? 0.0f : NAN;
    if (thread == 0) report(value, value);
    fill_gradient(value);
  }
};

}  // namespace distill::cuda
