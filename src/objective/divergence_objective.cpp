#include "objective/divergence_objective.h"

#include <ATen/ATen.h>

namespace distill {

at::Tensor DivergenceObjective::sum(const LogitRows& rows, const StepContext&) const {
  const at::Tensor losses = row_losses(common_log_probs(rows, temperature_));
  return weighted_sum(losses, rows) * (temperature_ * temperature_);
}

std::optional<FusedTerm> DivergenceObjective::fused() const {
  return FusedTerm{.divergence = divergence(),
                   .temperature = temperature_,
                   .ratio = ratio(),
                   .factor = factor()};
}

void DivergenceObjective::options(Section& section) {
  section.field("temperature", temperature_,
                {.help = "Divides the logits of both models; the loss carries T^2.", .min = 0.01});
}

}  // namespace distill
