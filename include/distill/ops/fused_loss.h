// Cross-entropy at temperature 1 and a divergence at temperature T from one pair of logit rows,
// with the gradient written over the student's logits: no [R, V] tensor beside the logits.
#pragma once

#include <ATen/core/Tensor.h>

namespace distill {

/// With p the student's and q the teacher's softmax at T over the common prefix of their
/// vocabularies. Each but mse_logits, which has no T, carries T^2. Formulas, papers and gradients:
/// docs/objectives.md.
enum class Divergence {
  kNone,
  kForwardKl,        ///< KL(q || p)
  kReverseKl,        ///< KL(p || q)
  kSymmetricKl,      ///< ratio KL(q || p) + (1 - ratio) KL(p || q)
  kJsd,              ///< ratio KL(q || M) + (1 - ratio) KL(p || M), M = ratio q + (1 - ratio) p
  kSkewedForwardKl,  ///< KL(q || ratio q + (1 - ratio) p)
  kSkewedReverseKl,  ///< KL(p || (1 - ratio) q + ratio p)
  kTotalVariation,   ///< sum |p - q| / 2
  kMseLogits,        ///< mean of (s - t)^2 over the columns that neither model masks
};

struct FusedLoss {
  Divergence divergence = Divergence::kNone;
  double temperature = 1.0;
  double ratio = 0.5;
  bool cross_entropy = false;     ///< whether it is computed
  double divergence_scale = 1.0;  ///< factors of the two in the loss that is differentiated
  double cross_entropy_scale = 1.0;
};

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
