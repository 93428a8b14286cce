#include "distill/objective/logit_objective.h"

#include <ATen/ATen.h>

namespace distill {

at::Tensor LogitObjective::sum(const LogitRows& rows, const StepContext& context) const {
  return sum(row_losses(rows, context), rows.weights, context);
}

at::Tensor LogitObjective::sum(const at::Tensor& row_losses, const at::Tensor& weights,
                               const StepContext& context) const {
  const at::Tensor sum = weights.defined() ? (row_losses * weights).sum() : row_losses.sum();
  const double factor = row_factor(context);
  return factor == 1.0 ? sum : sum * factor;
}

}  // namespace distill
