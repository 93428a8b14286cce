#include "distill/ops/device.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <c10/util/Exception.h>
#include <dlfcn.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <new>
#include <thread>

#include "distill/core/error.h"
#include "distill/core/log.h"

namespace distill {
namespace {

/// A driver has been here; without one there is no need to open anything.
bool has_driver() {
  namespace fs = std::filesystem;
  return fs::exists("/dev/nvidiactl") || fs::exists("/dev/dxg") ||
         fs::exists("/proc/driver/nvidia/version");
}

/// Why there is no usable GPU; empty: there is one.
std::string open_cuda() {
  if (!has_driver()) return "no NVIDIA driver was found";
  if (::dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) == nullptr) {
    const char* reason = ::dlerror();
    return std::string("LibTorch's CUDA library cannot be opened: ") +
           (reason != nullptr ? reason : "unknown reason") + " (scripts/setup --cuda installs it)";
  }
  if (!at::hasCUDA()) return "LibTorch was built without CUDA";
  try {
    const auto* guard = c10::impl::getDeviceGuardImpl(at::kCUDA);
    if (guard->deviceCount() == 0) return "no NVIDIA GPU or no driver for CUDA 13 was found";
  } catch (const std::exception& error) {
    return error.what();
  }
  return {};
}

const std::string& cuda_problem() {
  static const std::string problem = open_cuda();
  return problem;
}

}  // namespace

at::Device resolve_device(const std::string& name) {
  if (name == "cpu") return at::kCPU;
  if (cuda_problem().empty()) return {at::kCUDA, 0};
  if (name == "cuda") {
    throw ConfigError(
        "device: cuda was asked for, but " + cuda_problem() +
        "; use device: cpu, or install a driver (580 or newer) and LibTorch's CUDA form");
  }
  log_info("device auto: cpu, since " + cuda_problem());
  return at::kCPU;
}

at::ScalarType resolve_dtype(const std::string& name, at::Device device) {
  if (name == "float32") return at::kFloat;
  if (name == "bfloat16") return at::kBFloat16;
  if (name == "float64") return at::kDouble;
  if (name == "auto") return device.is_cuda() ? at::kBFloat16 : at::kFloat;
  throw ConfigError("dtype: expected auto, float32, bfloat16 or float64, found '" + name + "'");
}

std::string dtype_name(at::ScalarType dtype) {
  switch (dtype) {
    case at::kFloat:
      return "float32";
    case at::kDouble:
      return "float64";
    case at::kBFloat16:
      return "bfloat16";
    case at::kHalf:
      return "float16";
    default:
      return c10::toString(dtype);
  }
}

bool is_out_of_memory(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return true;
  if (dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr) return true;
  if (dynamic_cast<const Error*>(&error) != nullptr) return false;
  // All but the caching allocators for GPUs say it in words alone: LibTorch's allocator for the
  // CPU, the CUDA runtime, cuBLAS and cuDNN. what() of c10::Error has a backtrace in it.
  const auto* libtorch = dynamic_cast<const c10::Error*>(&error);
  const std::string message = libtorch != nullptr ? libtorch->msg() : error.what();
  constexpr const char* kWords[] = {"DefaultCPUAllocator", "out of memory",
                                    "cudaErrorMemoryAllocation", "_STATUS_ALLOC_FAILED"};
  return std::any_of(std::begin(kWords), std::end(kWords),
                     [&](const char* words) { return message.find(words) != std::string::npos; });
}

void set_threads(int64_t threads) {
  const auto cores = static_cast<int>(std::thread::hardware_concurrency());
  at::set_num_threads(threads > 0 ? static_cast<int>(threads) : cores);
}

}  // namespace distill
