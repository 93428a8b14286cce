// Cross-entropy at temperature 1 and a divergence at temperature T from one pair of logit rows,
// with the gradient written over the student's logits: no [R, V] tensor beside the logits.
#pragma once

#include <ATen/core/Tensor.h>

#include "distill/ops/divergence.h"

namespace distill {

struct FusedRows {
  at::Tensor student;  ///< [R, V_s] fp32, bf16 or (CPU) fp64, rows contiguous; overwritten
  at::Tensor teacher;  ///< [R, V_t] of the same dtype; undefined with Divergence::kNone
  at::Tensor targets;  ///< int64 [R] in [0, V_s), or kIgnore: such a row has no loss at all
  at::Tensor weights;  ///< fp32 [R] or undefined: factors of the rows in the gradient
  at::Tensor scale;    ///< fp32 [] or undefined: a factor of all gradients, read without a sync
};

/// The losses of each row before scale and row weight, fp32 (fp64 for fp64): [R].
struct FusedRowLosses {
  at::Tensor cross_entropy, divergence;  ///< undefined where not computed
};

/// The row losses and, with `want_gradient`, in place of the student's logits the gradient of
/// sum_r w_r (cross_entropy_scale CE_r + divergence_scale D_r). Identical rows give a divergence of
/// exactly zero. Elements in fp32, a row's sums in fp64 on a CPU. Throws c10::Error on shapes that
/// do not fit and, on a CPU, on a target outside the vocabulary; on CUDA such a row's losses and
/// gradient are NaN.
FusedRowLosses fused_loss(const FusedRows& rows, const FusedLoss& loss, bool want_gradient);

/// Whether fused_loss takes logits of this dtype on this device: on CUDA fp32 and bf16, and only
/// with the kernels' library.
bool has_fused_loss(at::Device device, at::ScalarType dtype);

}  // namespace distill
