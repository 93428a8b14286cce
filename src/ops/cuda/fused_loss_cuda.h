// The fused loss on a GPU, in a library of its own that the program opens where there is one
// (ops/cuda_library.h). Plain pointers and a C name.
#pragma once

#include "distill/ops/divergence.h"
#include "ops/loss_rows.h"

namespace distill {

/// The two compute the same, but add sums in another order. Training takes blocks: clusters have
/// not run on a device yet and are for tests and benchmarks until they have.
enum class LossKernel {
  kOfBlocks,   ///< on any device
  kOfClusters  ///< compute capability 9.x, and rows that fit into a cluster's shared memory
};

struct CudaLossRows {
  LossRows rows;  // pointers to the device's memory
  int64_t row_count;
  bool bfloat16;  // else fp32
  LossKernel kernel = LossKernel::kOfBlocks;
};

/// What asking for kOfClusters gives where the device has none of use, and where rows do not fit.
inline constexpr const char* kNoClusters = "clusters need a device of compute capability 9.x";
inline constexpr const char* kTooWideForCluster = "the rows do not fit into a cluster";

/// Queues the kernel on LibTorch's current stream; returns a message where that failed, else null.
/// What a target outside the vocabulary touches becomes NaN: a check on the host would have to wait
/// for the device.
using FusedLossCuda = const char* (*)(const CudaLossRows& rows, const FusedLoss& loss);
inline constexpr const char* kFusedLossCudaName = "distill_fused_loss_cuda";

}  // namespace distill
