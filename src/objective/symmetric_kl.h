#pragma once

#include "objective/divergence_objective.h"

namespace distill {

/// T^2 (a KL(q || p) + b KL(p || q)) (Jeffreys 1946).
class SymmetricKl final : public DivergenceObjective {
 protected:
  at::Tensor row_losses(const LogProbs& log_probs) const override;
  Divergence divergence() const override { return Divergence::kSymmetricKl; }
  double ratio() const override { return forward_weight_ / factor(); }
  double factor() const override { return forward_weight_ + reverse_weight_; }
  void options(Section& section) override;

 private:
  double forward_weight_ = 0.5, reverse_weight_ = 0.5;
};

}  // namespace distill
