#pragma once

#include "objective/divergence_objective.h"

namespace distill {

/// T^2 KL(p || (1 - lambda) q + lambda p) (Ko et al. 2024, DistiLLM).
class SkewedReverseKl final : public DivergenceObjective {
 protected:
  at::Tensor compare(const LogProbs& log_probs, const StepContext& context) const override;
  Divergence divergence() const override { return Divergence::kSkewedReverseKl; }
  double ratio(const StepContext& context) const override { return context.value(lambda_); }
  void options(Section& section) override;

 private:
  Number lambda_ = 0.1;
};

}  // namespace distill
