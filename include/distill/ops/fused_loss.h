// Cross-entropy at temperature 1 and a divergence at temperature T from one pair of logit rows,
// with the gradient written over the student's logits: no [R, V] tensor beside the logits.
#pragma once

#include <ATen/core/Tensor.h>

#include "distill/ops/divergence.h"

namespace distill {

struct FusedRows {
  at::Tensor student;  ///< [R, V_s] fp32, bf16 or fp64, rows contiguous; overwritten with gradients
  at::Tensor teacher;  ///< [R, V_t] of the same dtype; undefined with Divergence::kNone
  at::Tensor targets;  ///< int64 [R] in [0, V_s), or kIgnore: such a row has no loss at all
  at::Tensor weights;  ///< fp32 [R] or undefined: factors of the rows in the gradient
};

/// The losses of each row before scale and row weight, fp32 (fp64 for fp64): [R].
struct FusedRowLosses {
  at::Tensor cross_entropy, divergence;  ///< undefined where not computed
};

/// The row losses and, with `want_gradient`, in place of the student's logits the gradient of
/// sum_r w_r (cross_entropy_scale CE_r + divergence_scale D_r). Identical rows give a divergence of
/// exactly zero. Statistics in fp32. Throws c10::Error on shapes that do not fit and on a target
/// outside the vocabulary.
FusedRowLosses fused_loss(const FusedRows& rows, const FusedLoss& loss, bool want_gradient);

}  // namespace distill
