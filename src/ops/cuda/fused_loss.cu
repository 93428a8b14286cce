// Chooses and launches the kernels of fused_loss_kernel.cuh.
#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime.h>

#include "ops/cuda/fused_loss_cuda.h"
#include "ops/cuda/fused_loss_kernel.cuh"

namespace distill {
namespace cuda {
namespace {

template <class T>
void launch(const CudaLossRows& rows, const FusedLoss& loss) {
  const cudaStream_t stream = c10::cuda::getCurrentCUDAStream();
  const auto blocks = static_cast<unsigned>(rows.row_count);
  formula::with_divergence(loss.divergence, [&]<Divergence D>() {
    fused_loss_kernel<D, T><<<blocks, kThreads, 0, stream>>>(rows.rows, make_settings(loss));
  });
}

}  // namespace
}  // namespace cuda

extern "C" const char* distill_fused_loss_cuda(const CudaLossRows& rows, const FusedLoss& loss) {
  if (rows.row_count == 0) return nullptr;
  if (rows.bfloat16) {
    cuda::launch<cuda::Bfloat16Bits>(rows, loss);
  } else {
    cuda::launch<float>(rows, loss);
  }
  const cudaError_t error = cudaGetLastError();
  return error == cudaSuccess ? nullptr : cudaGetErrorString(error);
}

}  // namespace distill
