#pragma once

#include "objective/divergence_objective.h"

namespace distill {

/// T^2 sum |p - q| / 2 (Wen et al. 2023, f-distill).
class TotalVariation final : public DivergenceObjective {
 protected:
  at::Tensor compare(const LogProbs& log_probs, const StepContext& context) const override;
  Divergence divergence() const override { return Divergence::kTotalVariation; }
};

}  // namespace distill
