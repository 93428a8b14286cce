// What the divergences between two softmax distributions share.
#pragma once

#include "distill/objective/logit_objective.h"
#include "objective/classes.h"
#include "objective/rows.h"

namespace distill {

/// T^2 D(p, q), p = softmax(s / T) the student's, q = softmax(t / T) the teacher's, over the common
/// prefix of the vocabularies or, with `top_k`, over the teacher's K best tokens (see classes.h).
class DivergenceObjective : public LogitObjective {
 public:
  at::Tensor row_losses(const LogitRows& rows, const StepContext& context) const final;
  double row_factor(const StepContext& context) const final;
  std::optional<FusedTerm> fused(const StepContext& context) const override;
  Needs row_needs() const override { return classes_.needs(temperature_); }
  bool is_divergence() const override { return true; }

 protected:
  /// D a row, before T^2: [R].
  virtual at::Tensor compare(const LogProbs& log_probs, const StepContext& context) const = 0;
  virtual Divergence divergence() const = 0;
  /// What the fused kernel calls ratio, and a factor on the whole.
  virtual double ratio(const StepContext&) const { return 0.5; }
  virtual double factor(const StepContext&) const { return 1.0; }
  void options(Section& section) override;

 private:
  Number temperature_ = 1.0;
  Classes classes_;
};

}  // namespace distill
