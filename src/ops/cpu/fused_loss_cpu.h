#pragma once

#include <vector>

#include "distill/ops/fused_loss.h"
#include "ops/cpu/fused_loss_rows.h"

namespace distill {

/// fused_loss on checked rows of fp32, bf16 or fp64.
FusedRowLosses fused_loss_cpu(const FusedRows& rows, const FusedLoss& loss, bool want_gradient);
FusedRowLosses fused_loss_cpu(const FusedRows& rows, const FusedLoss& loss, bool want_gradient,
                              const LossRowsFunctions& functions);

/// What this processor can run, the fastest first.
std::vector<LossRowsFunctions> usable_loss_rows();

}  // namespace distill
