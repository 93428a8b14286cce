#include "objective/mse_logits.h"

#include <ATen/ATen.h>

#include <limits>

#include "objective/rows.h"

namespace distill {

at::Tensor MseLogits::row_losses(const LogitRows& rows, const StepContext&) const {
  constexpr double kMasked = -std::numeric_limits<double>::infinity();
  const CommonLogits logits = common_logits(rows);
  const at::ScalarType type = rows.student.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  const at::Tensor student = logits.student.to(type);
  const at::Tensor teacher = logits.teacher.to(type);
  const at::Tensor masked = student.eq(kMasked).logical_or(teacher.eq(kMasked));
  const at::Tensor kept = masked.logical_not().sum(-1).clamp_min(1);
  return (student - teacher).masked_fill(masked, 0).square().sum(-1) / kept;
}

}  // namespace distill
