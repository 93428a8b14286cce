#pragma once

#include "objective/divergence_objective.h"

namespace distill {

/// T^2 (w KL(q || p) + (1 - w) KL(p || q)), with w the head's part of sum |p - q| a row. The tail
/// are the teacher's least likely tokens whose mass together is at most `tail_mass`, the head the
/// rest. No gradient flows through w (Wu et al. 2024, Rethinking KL in Knowledge Distillation).
class AdaptiveKl final : public DivergenceObjective {
 public:
  /// It sorts: through autograd.
  std::optional<FusedTerm> fused(const StepContext&) const override { return std::nullopt; }

 protected:
  at::Tensor compare(const LogProbs& log_probs, const StepContext& context) const override;
  Divergence divergence() const override { return Divergence::kNone; }
  void options(Section& section) override;

 private:
  Number tail_mass_ = 0.5;
};

}  // namespace distill
