#pragma once

#include "objective/divergence_objective.h"

namespace distill {

/// T^2 KL(q || p) (Hinton, Vinyals, Dean 2015).
class ForwardKl final : public DivergenceObjective {
 protected:
  at::Tensor compare(const LogProbs& log_probs, const StepContext& context) const override;
  Divergence divergence() const override { return Divergence::kForwardKl; }
};

}  // namespace distill
