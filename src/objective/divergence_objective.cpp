#include "objective/divergence_objective.h"

#include <ATen/ATen.h>

namespace distill {

at::Tensor DivergenceObjective::sum(const LogitRows& rows, const StepContext& context) const {
  const double temperature = context.value(temperature_);
  const at::Tensor losses = row_losses(class_log_probs(rows, classes_, temperature), context);
  return weighted_sum(losses, rows) * (temperature * temperature);
}

std::optional<FusedTerm> DivergenceObjective::fused(const StepContext& context) const {
  if (classes_.top_k) return std::nullopt;
  return FusedTerm{.divergence = divergence(),
                   .temperature = context.value(temperature_),
                   .ratio = ratio(context),
                   .factor = factor(context)};
}

void DivergenceObjective::options(Section& section) {
  section.field("temperature", temperature_,
                {.help = "Divides the logits of both models; the loss carries T^2.", .min = 0.01});
  classes_.fields(section);
}

}  // namespace distill
