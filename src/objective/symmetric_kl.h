#pragma once

#include "objective/divergence_objective.h"

namespace distill {

/// T^2 (a KL(q || p) + b KL(p || q)) (Jeffreys 1946).
class SymmetricKl final : public DivergenceObjective {
 protected:
  at::Tensor compare(const LogProbs& log_probs, const StepContext& context) const override;
  Divergence divergence() const override { return Divergence::kSymmetricKl; }
  double ratio(const StepContext& context) const override {
    return context.value(forward_weight_) / factor(context);
  }
  double factor(const StepContext& context) const override {
    return context.value(forward_weight_) + context.value(reverse_weight_);
  }
  void options(Section& section) override;

 private:
  Number forward_weight_ = 0.5, reverse_weight_ = 0.5;
};

}  // namespace distill
