// From tensors to the pointers that the fused loss's kernels take.
#pragma once

#include "distill/ops/fused_loss.h"
#include "ops/loss_rows.h"

namespace distill {

/// What `loss` computes a row of, on the rows' device, not initialised.
FusedRowLosses empty_losses(const FusedRows& rows, const FusedLoss& loss);

/// The tensors must outlive it.
LossRows plain_rows(const FusedRows& rows, bool want_gradient, const FusedRowLosses& losses);

}  // namespace distill
