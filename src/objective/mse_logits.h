#pragma once

#include "distill/objective/logit_objective.h"

namespace distill {

/// The mean of (s - t)^2 over the columns of the common prefix that neither model masks, a row
/// (Kim et al. 2021): T^2 times the mean of ((s - t) / T)^2, so there is no temperature. It is zero
/// for equal logits, but not only for them: a constant added to a row changes it.
class MseLogits final : public LogitObjective {
 public:
  at::Tensor row_losses(const LogitRows& rows, const StepContext& context) const override;
  std::optional<FusedTerm> fused(const StepContext&) const override {
    return FusedTerm{.divergence = Divergence::kMseLogits};
  }
  Needs row_needs() const override { return {.teacher_logits = true}; }
  bool is_divergence() const override { return true; }

 protected:
  void options(Section&) override {}
};

}  // namespace distill
