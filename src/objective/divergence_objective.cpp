#include "objective/divergence_objective.h"

#include <ATen/ATen.h>

namespace distill {

at::Tensor DivergenceObjective::row_losses(const LogitRows& rows,
                                           const StepContext& context) const {
  return compare(class_log_probs(rows, classes_, context.value(temperature_)), context);
}

double DivergenceObjective::row_factor(const StepContext& context) const {
  const double temperature = context.value(temperature_);
  return temperature * temperature;
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
