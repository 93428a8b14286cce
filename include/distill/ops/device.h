// Devices by name. LibTorch's CUDA library is opened only when something asks for it: that costs
// 240 MB and up to 0.6 s, and a machine without it runs the same executable.
#pragma once

#include <ATen/core/Tensor.h>

#include <exception>
#include <string>

namespace distill {

/// "cpu", "cuda", or "auto": cuda where a usable GPU is found, else cpu (said in the log). "cpu"
/// never opens the CUDA library. Throws ConfigError for "cuda" without a usable GPU, with the
/// reason.
at::Device resolve_device(const std::string& name);

/// "float32", "bfloat16", "float64", or "auto": bfloat16 on cuda, float32 on a cpu.
at::ScalarType resolve_dtype(const std::string& name, at::Device device);

/// "float32", "bfloat16", ...: as configurations and Hugging Face write it.
std::string dtype_name(at::ScalarType dtype);

/// Whether it says that memory could not be had, on a CPU or a GPU: by LibTorch, CUDA and its
/// libraries or the C++ library. False for the program's own errors, which have said all.
bool is_out_of_memory(const std::exception& error);

/// CPU threads for everything that follows; 0: all cores.
void set_threads(int64_t threads);

}  // namespace distill
