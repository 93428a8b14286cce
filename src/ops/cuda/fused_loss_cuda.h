// The fused loss on a GPU, in a library of its own that the program opens where there is one
// (ops/cuda_library.h). Plain pointers and a C name.
#pragma once

#include "distill/ops/divergence.h"
#include "ops/loss_rows.h"

namespace distill {

struct CudaLossRows {
  LossRows rows;  // pointers to the device's memory
  int64_t row_count;
  bool bfloat16;  // else fp32
};

/// Queues the kernel on LibTorch's current stream; returns a message where that failed, else null.
/// What a target outside the vocabulary touches becomes NaN: a check on the host would have to wait
/// for the device.
using FusedLossCuda = const char* (*)(const CudaLossRows& rows, const FusedLoss& loss);
inline constexpr const char* kFusedLossCudaName = "distill_fused_loss_cuda";

}  // namespace distill
