// The products behind add_weight_gradient for bf16 on a CPU with bf16 instructions.
#pragma once

#include <ATen/core/Tensor.h>

namespace distill {

/// Whether processor and LibTorch multiply pairs of bf16 into fp32.
bool has_bf16_products();

/// gradient fp32 [V, D], contiguous, += d_output^T input; both bf16, columns side by side.
void add_weight_gradient_bf16(const at::Tensor& gradient, const at::Tensor& d_output,
                              const at::Tensor& input);

}  // namespace distill
