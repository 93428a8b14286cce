#pragma once

#include "objective/divergence_objective.h"

namespace distill {

/// T^2 KL(p || q) (Gu et al. 2023, MiniLLM).
class ReverseKl final : public DivergenceObjective {
 protected:
  at::Tensor compare(const LogProbs& log_probs, const StepContext& context) const override;
  Divergence divergence() const override { return Divergence::kReverseKl; }
};

}  // namespace distill
