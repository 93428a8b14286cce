// The CPU kernel of fused_loss: a thread a row, blocks of a row that stay in the first cache.
#pragma once

#include "distill/ops/fused_loss.h"

namespace distill {

/// As fused_loss, on checked arguments.
FusedRowLosses fused_loss_cpu(const FusedRows& rows, const FusedLoss& loss, bool want_gradient);

}  // namespace distill
