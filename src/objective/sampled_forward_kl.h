#pragma once

#include "distill/objective/logit_objective.h"

namespace distill {

/// Forward KL from N tokens that are drawn anew at each step: T^2 sum_i w_i (log q_i - log p_i),
/// where i are N draws with replacement from r = q^(1 / proposal_temperature), normalised, and
/// w_i = q_i / (N r_i). Its expectation is T^2 KL(q || p) and that of its gradient the gradient of
/// that (random-sampling distillation: Anshumann et al. 2025, arXiv 2503.16870). A single draw may
/// be negative.
///
/// The draws depend on the run's seed, the draw (in training the step), the term's name, and the
/// row's key; where rows have no keys their numbers stand for them, as tests may want.
class SampledForwardKl final : public LogitObjective {
 public:
  at::Tensor sum(const LogitRows& rows, const StepContext& context) const override;
  Needs needs() const override { return {.teacher_logits = true}; }

 protected:
  void options(Section& section) override;

 private:
  /// int64 [R, N] tokens out of the distributions with these logarithms [R, V].
  at::Tensor draw(const at::Tensor& log_proposal, const LogitRows& rows,
                  const StepContext& context) const;

  double temperature_ = 1.0, proposal_temperature_ = 1.0;
  int64_t samples_ = 50;
};

}  // namespace distill
