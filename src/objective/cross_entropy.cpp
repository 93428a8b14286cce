#include "objective/cross_entropy.h"

#include <ATen/ATen.h>

#include "objective/rows.h"

namespace distill {

at::Tensor CrossEntropy::row_losses(const LogitRows& rows, const StepContext& context) const {
  const at::Tensor log_probs = tempered_log_softmax(rows.student, context.value(temperature_));
  return -log_probs.gather(-1, rows.targets.unsqueeze(-1)).squeeze(-1);
}

std::optional<FusedTerm> CrossEntropy::fused(const StepContext& context) const {
  if (context.value(temperature_) != 1.0) return std::nullopt;
  return FusedTerm{.cross_entropy = true};
}

void CrossEntropy::options(Section& section) {
  section.field(
      "temperature", temperature_,
      {.help = "Divides the student's logits; the usual hard loss is at 1.", .min = 0.01});
}

}  // namespace distill
