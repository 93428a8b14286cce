// Which loss fused_loss computes. No header of LibTorch: kernels include it.
#pragma once

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

}  // namespace distill
