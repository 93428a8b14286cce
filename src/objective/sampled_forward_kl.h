#pragma once

#include "distill/objective/logit_objective.h"

namespace distill {

/// Forward KL from N tokens that are drawn anew at each step: T^2 sum_i w_i (log q_i - log p_i),
/// where i are N draws with replacement from r = q^(1 / proposal_temperature), normalised, and
/// w_i = q_i / (N r_i). Its expectation is T^2 KL(q || p) and that of its gradient the gradient of
/// that (random-sampling distillation: Anshumann et al. 2025, arXiv 2503.16870). A single draw may
/// be negative.
///
/// Where the teacher has no logits for the rows but a weighted sample, that is what is summed, at
/// T = 1: the probabilities at another one are not known from it.
///
/// The draws depend on the run's seed, the draw (in training the step), the term's name, and the
/// row's key; where rows have no keys their numbers stand for them, as tests may want.
class SampledForwardKl final : public LogitObjective {
 public:
  at::Tensor row_losses(const LogitRows& rows, const StepContext& context) const override;
  double row_factor(const StepContext& context) const override;
  Needs row_needs() const override;

 protected:
  void options(Section& section) override;

 private:
  /// Tokens with what they weigh and the teacher's tempered log-probabilities: [R, N] each.
  struct Sample {
    at::Tensor ids, weights, log_q;
  };
  Sample draw_sample(const at::Tensor& teacher, const LogitRows& rows,
                     const StepContext& context) const;
  Sample given_sample(const LogitRows& rows, const StepContext& context) const;
  /// int64 [R, N] tokens out of the distributions with these logarithms [R, V].
  at::Tensor draw(const at::Tensor& log_proposal, const LogitRows& rows,
                  const StepContext& context) const;

  Number temperature_ = 1.0, proposal_temperature_ = 1.0;
  int64_t samples_ = 50;
};

}  // namespace distill
