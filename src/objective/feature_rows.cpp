// Positions of a packed batch by unit, and sums over them.
#include "objective/feature_rows.h"

#include <ATen/ATen.h>

namespace distill {

at::Tensor unit_rows(const at::Tensor& value, LossUnit unit, const FeatureRows& rows) {
  if (unit != LossUnit::kLossToken) return value;
  return value.index_select(0, rows.batch.loss_rows);
}

at::Tensor unit_sum(const at::Tensor& losses, LossUnit unit, const FeatureRows& rows) {
  if (unit != LossUnit::kLossToken || !rows.weights.defined()) return losses.sum();
  return (losses * rows.weights).sum();
}

at::Tensor widened(const at::Tensor& value) {
  return value.to(value.scalar_type() == at::kDouble ? at::kDouble : at::kFloat);
}

}  // namespace distill
