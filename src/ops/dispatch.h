// Which path an op takes, and in which dtype it computes.
#pragma once

#include <ATen/core/Tensor.h>

namespace distill {

/// The dtype of the arithmetic inside an op: fp64 for fp64, else fp32.
inline at::ScalarType arithmetic_type(at::ScalarType type) {
  return type == at::kDouble ? at::kDouble : at::kFloat;
}

/// Whether the kernels of ops/cpu take this tensor; the others go through ATen's own ops.
inline bool has_cpu_kernel(const at::Tensor& x) {
  const at::ScalarType type = x.scalar_type();
  return x.is_cpu() && (type == at::kFloat || type == at::kBFloat16 || type == at::kDouble);
}

}  // namespace distill
