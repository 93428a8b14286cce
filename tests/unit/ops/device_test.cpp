#include "distill/ops/device.h"

#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <new>
#include <stdexcept>

#include "distill/core/error.h"

namespace distill {
namespace {

template <typename F>
bool out_of_memory(F&& action) {
  try {
    action();
  } catch (const std::exception& error) {
    return is_out_of_memory(error);
  }
  ADD_FAILURE() << "expected an exception";
  return false;
}

/// As LibTorch's checks throw it.
bool libtorch_says(const std::string& message) {
  return out_of_memory([&] { TORCH_CHECK(false, message); });
}

TEST(OutOfMemory, IsKnownByItsType) {
  EXPECT_TRUE(out_of_memory([] { throw std::bad_alloc(); }));
  EXPECT_TRUE(out_of_memory([] {
    TORCH_CHECK_WITH(OutOfMemoryError, false, "CUDA out of memory. Tried to allocate 2.00 GiB");
  }));
}

TEST(OutOfMemory, IsKnownByTheWordsOfTheLibraries) {
  EXPECT_TRUE(
      libtorch_says("[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: "
                    "can't allocate memory: you tried to allocate 8 bytes."));
  EXPECT_TRUE(libtorch_says("CUDA error: out of memory\nCompile with `TORCH_USE_CUDA_DSA`"));
  EXPECT_TRUE(libtorch_says("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`"));
  EXPECT_TRUE(libtorch_says("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"));
  EXPECT_TRUE(libtorch_says("fused_loss: out of memory"));
  EXPECT_TRUE(out_of_memory([] {
    throw std::runtime_error("parallel_for failed: cudaErrorMemoryAllocation: out of memory");
  }));
  EXPECT_TRUE(out_of_memory([] { throw std::runtime_error("cudaErrorMemoryAllocation"); }));
}

TEST(OutOfMemory, IsNotWhateverElseGoesWrong) {
  EXPECT_FALSE(libtorch_says("CUDA error: an illegal memory access was encountered"));
  EXPECT_FALSE(libtorch_says("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublas`"));
  EXPECT_FALSE(out_of_memory([] { throw std::runtime_error("vector"); }));
  EXPECT_FALSE(out_of_memory([] { throw TrainingError("out of memory at step 3: advice"); }));
}

}  // namespace
}  // namespace distill
