#pragma once

#include "objective/divergence_objective.h"

namespace distill {

/// T^2 (beta KL(q || M) + (1 - beta) KL(p || M)), M = beta q + (1 - beta) p: the generalised
/// Jensen-Shannon divergence (Agarwal et al. 2023, GKD, eq. 1).
class Jsd final : public DivergenceObjective {
 protected:
  at::Tensor compare(const LogProbs& log_probs, const StepContext& context) const override;
  Divergence divergence() const override { return Divergence::kJsd; }
  double ratio(const StepContext& context) const override { return context.value(beta_); }
  void options(Section& section) override;

 private:
  Number beta_ = 0.5;
};

}  // namespace distill
