// Shared arithmetic of the losses over inner values.
#pragma once

#include <ATen/core/Tensor.h>

#include "distill/objective/feature_objective.h"

namespace distill {

/// [T, ...] -> [n, ...]: the positions that the unit counts, loss tokens or all.
at::Tensor unit_rows(const at::Tensor& value, LossUnit unit, const FeatureRows& rows);

/// The sum over such positions; of loss tokens, each times its row weight.
at::Tensor unit_sum(const at::Tensor& losses, LossUnit unit, const FeatureRows& rows);

/// In fp32, or fp64 as it is.
at::Tensor widened(const at::Tensor& value);

}  // namespace distill
