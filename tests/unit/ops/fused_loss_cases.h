// What the fused loss's kernels are tested on and compared with, on the CPU and on a GPU.
#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "distill/ops/fused_loss.h"

namespace distill {

inline constexpr Divergence kDivergences[] = {Divergence::kNone,
                                              Divergence::kForwardKl,
                                              Divergence::kReverseKl,
                                              Divergence::kSymmetricKl,
                                              Divergence::kJsd,
                                              Divergence::kSkewedForwardKl,
                                              Divergence::kSkewedReverseKl,
                                              Divergence::kTotalVariation,
                                              Divergence::kMseLogits};

inline FusedLoss loss_of(Divergence divergence, double temperature, bool cross_entropy = true) {
  return {.divergence = divergence,
          .temperature = temperature,
          .ratio = 0.3,
          .cross_entropy = cross_entropy,
          .divergence_scale = 0.6,
          .cross_entropy_scale = 0.7};
}

/// On the CPU. `offset` moves the rows off 16 bytes; row 2 is ignored.
inline FusedRows make_rows(int64_t count, at::ScalarType type, int64_t students, int64_t teachers,
                           int64_t offset = 0) {
  at::manual_seed(5);
  const auto logits = [&](int64_t width) {
    return at::empty({count, width + 2 * offset}, type)
        .narrow(1, offset, width)
        .copy_(at::randn({count, width}, at::kDouble) * 3);
  };
  FusedRows rows;
  rows.student = logits(students);
  rows.teacher = logits(teachers);
  rows.targets = at::randint(0, students, {count}, at::kLong);
  if (count > 2) rows.targets[2] = -100;
  return rows;
}

/// The fp64 kernel's losses of rows, and gradient over their logits.
struct Exact {
  FusedRows rows;
  FusedRowLosses losses;
  double size;  // T (|p| + |q|) in L2: what the error of a gradient is measured by
};

/// Of rows on the CPU whose gradient is not written yet.
inline Exact exact(const FusedRows& rows, const FusedLoss& loss) {
  Exact out;
  out.rows = rows;
  out.rows.student = rows.student.to(at::kDouble).contiguous();
  out.rows.teacher = rows.teacher.to(at::kDouble).contiguous();
  const auto norm = [&](const at::Tensor& logits) {
    return (logits / loss.temperature).softmax(-1).norm().item<double>();
  };
  out.size = loss.temperature * (norm(out.rows.student) + norm(out.rows.teacher));
  out.losses = fused_loss(out.rows, loss, true);
  return out;
}

/// Row losses within 1e-6 + 1e-5 |x|.
inline void expect_near(const FusedRowLosses& got, const FusedRowLosses& want) {
  const auto near = [](const at::Tensor& a, const at::Tensor& b) {
    ASSERT_EQ(a.defined(), b.defined());
    if (!a.defined()) return;
    EXPECT_TRUE(at::allclose(a.cpu().to(at::kDouble), b.cpu().to(at::kDouble), 1e-5, 1e-6))
        << a << b;
  };
  near(got.cross_entropy, want.cross_entropy);
  near(got.divergence, want.divergence);
}

/// A gradient within 2e-6 of its size and what rounding to its type takes.
inline void expect_gradient(const at::Tensor& got, const Exact& want) {
  const at::Tensor& whole = want.rows.student;
  const at::Tensor rounding = whole.to(got.scalar_type()).to(at::kDouble) - whole;
  const at::Tensor error = got.cpu().to(at::kDouble) - whole;
  EXPECT_LT(error.norm().item<double>(), 2e-6 * want.size + 1.01 * rounding.norm().item<double>());
}

}  // namespace distill
