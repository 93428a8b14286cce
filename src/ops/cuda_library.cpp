#include "ops/cuda_library.h"

#include <dlfcn.h>

#include <string>

#include "distill/core/log.h"

namespace distill {
namespace {

FusedLossCuda open_library() {
  void* library = ::dlopen("libdistill_cuda.so", RTLD_NOW | RTLD_LOCAL);
  void* function = library != nullptr ? ::dlsym(library, kFusedLossCudaName) : nullptr;
  if (function == nullptr) {
    const char* reason = ::dlerror();
    log_warning(std::string("losses go through autograd, without the CUDA kernels: ") +
                (reason != nullptr ? reason : "unknown reason") +
                " (scripts/build cuda makes them)");
  }
  return reinterpret_cast<FusedLossCuda>(function);
}

}  // namespace

FusedLossCuda fused_loss_cuda() {
  static const FusedLossCuda function = open_library();
  return function;
}

}  // namespace distill
