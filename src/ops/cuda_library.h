// The library of own CUDA kernels, opened when it is first asked for.
#pragma once

#include "ops/cuda/fused_loss_cuda.h"

namespace distill {

/// Null where libdistill_cuda.so is not beside the program or cannot be opened (said once in the
/// log): losses then go through autograd. Only ask with a usable GPU.
FusedLossCuda fused_loss_cuda();

}  // namespace distill
