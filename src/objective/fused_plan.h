// Which terms go through the fused kernel, and in which calls.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <vector>

#include "distill/objective/head_step.h"
#include "distill/ops/fused_loss.h"

namespace distill {

/// At most one cross-entropy and one divergence, by their places among the terms.
struct FusedCall {
  FusedLoss loss;
  std::optional<size_t> cross_entropy, divergence;
  at::Tensor weights;   // of both, [R] or undefined
  double factor = 1.0;  // of the divergence's row losses in its own sum

  /// The terms' row losses; with gradients, writes theirs over the student's logits.
  FusedRowLosses run(const LogitRows& rows, bool want_gradients) const;
};

struct FusedPlan {
  std::vector<FusedCall> calls;
  std::vector<size_t> others;  // terms that the kernel does not know

  bool all_fused() const { return others.empty(); }
};

/// With gradients one call or none at all: a second call would find the first one's gradient where
/// the logits were. All terms are `others` then.
FusedPlan plan_fused(const std::vector<HeadTerm>& terms, const StepContext& context,
                     at::Device device, at::ScalarType dtype, bool want_gradients);

}  // namespace distill
