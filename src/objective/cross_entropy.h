#pragma once

#include "distill/objective/logit_objective.h"

namespace distill {

/// -log softmax(s / T)_y over the student's whole vocabulary. No T^2: the labels are not tempered.
class CrossEntropy final : public LogitObjective {
 public:
  at::Tensor row_losses(const LogitRows& rows, const StepContext& context) const override;
  std::optional<FusedTerm> fused(const StepContext& context) const override;

 protected:
  void options(Section& section) override;

 private:
  Number temperature_ = 1.0;
};

}  // namespace distill
