#pragma once

#include "distill/objective/logit_objective.h"

namespace distill {

/// T^2 KL(S || P), S = softmax(s / T), P = softmax(t / T), over the common prefix of the
/// vocabularies (Gu et al. 2023, MiniLLM).
class ReverseKl final : public LogitObjective {
 public:
  at::Tensor sum(const LogitRows& rows, const StepContext& context) const override;
  Needs needs() const override { return {.teacher_logits = true}; }
  bool is_divergence() const override { return true; }

 protected:
  void options(Section& section) override;

 private:
  double temperature_ = 1.0;
};

}  // namespace distill
