// Launches the kernels of the fused loss. Clusters are for code that was compiled for compute
// capability 9.x: asked of the kernel, since a device of 9.x may also run what was compiled
// for less, where that kernel is empty.
#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime.h>

#include <algorithm>

#include "ops/cuda/fused_loss_block.cuh"
#include "ops/cuda/fused_loss_cluster.cuh"
#include "ops/cuda/fused_loss_cuda.h"

namespace distill {
namespace cuda {
namespace {

template <class Kernel>
bool is_compiled_for_clusters(Kernel kernel) {
  cudaFuncAttributes attributes;
  return cudaFuncGetAttributes(&attributes, kernel) == cudaSuccess &&
         attributes.ptxVersion / 10 == 9;
}

bool fits(const SliceShape& shape) {
  int device = 0, most = 0;
  return cudaGetDevice(&device) == cudaSuccess &&
         cudaDeviceGetAttribute(&most, cudaDevAttrMaxSharedMemoryPerBlockOptin, device) ==
             cudaSuccess &&
         shape.chunks <= kMostChunks && memory_of_block(shape) <= most;
}

/// kNoClusters or kTooWideForCluster where nothing was launched; errors of the launch itself are
/// left to cudaGetLastError.
template <Divergence D, class T>
const char* launch_clusters(const CudaLossRows& rows, const FusedLoss& loss, cudaStream_t stream) {
  const auto kernel = fused_loss_of_clusters<D, T>;
  if (!is_compiled_for_clusters(kernel)) return kNoClusters;
  const SliceShape shape = SliceShape::of<T>(rows.rows);
  if (!fits(shape)) return kTooWideForCluster;
  const auto memory = static_cast<int>(memory_of_block(shape));
  cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, memory);
  cudaLaunchAttribute of_cluster;
  of_cluster.id = cudaLaunchAttributeClusterDimension;
  of_cluster.val.clusterDim = {kClusterBlocks, 1, 1};
  cudaLaunchConfig_t config = {};
  config.gridDim = kClusterBlocks;
  config.blockDim = kClusterThreads;
  config.dynamicSmemBytes = static_cast<size_t>(memory);
  config.stream = stream;
  config.attrs = &of_cluster;
  config.numAttrs = 1;
  int resident = 0;
  cudaOccupancyMaxActiveClusters(&resident, kernel, &config);
  if (resident == 0) return kTooWideForCluster;
  config.gridDim =
      static_cast<unsigned>(std::min<int64_t>(rows.row_count, resident)) * kClusterBlocks;
  cudaLaunchKernelEx(&config, kernel, rows.rows, static_cast<int>(rows.row_count), shape,
                     make_settings(loss));
  return nullptr;
}

template <Divergence D, class T>
void launch_blocks(const CudaLossRows& rows, const FusedLoss& loss, cudaStream_t stream) {
  const auto blocks = static_cast<unsigned>(rows.row_count);
  fused_loss_of_blocks<D, T><<<blocks, kBlockThreads, 0, stream>>>(rows.rows, make_settings(loss));
}

template <class T>
const char* launch(const CudaLossRows& rows, const FusedLoss& loss) {
  const cudaStream_t stream = c10::cuda::getCurrentCUDAStream();
  const char* refusal = nullptr;
  formula::with_divergence(loss.divergence, [&]<Divergence D>() {
    if (rows.kernel == LossKernel::kOfClusters) {
      refusal = launch_clusters<D, T>(rows, loss, stream);
    } else {
      launch_blocks<D, T>(rows, loss, stream);
    }
  });
  return refusal;
}

}  // namespace
}  // namespace cuda

extern "C" const char* distill_fused_loss_cuda(const CudaLossRows& rows, const FusedLoss& loss) {
  if (rows.row_count == 0) return nullptr;
  const char* refusal = rows.bfloat16 ? cuda::launch<cuda::Bfloat16Bits>(rows, loss)
                                      : cuda::launch<float>(rows, loss);
  if (refusal != nullptr) return refusal;
  const cudaError_t error = cudaGetLastError();
  return error == cudaSuccess ? nullptr : cudaGetErrorString(error);
}

}  // namespace distill
