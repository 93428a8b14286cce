// The gradient of a linear layer's weight, added into a buffer of higher precision.
#pragma once

#include <ATen/core/Tensor.h>

namespace distill {

/// gradient [V, D] += d_output^T input, with d_output [R, V] and input [R, D] of one dtype. The
/// gradient has this dtype or, for bf16, is fp32: then products and sum are in fp32, without a
/// bf16 or fp32 temporary [V, D]. On a CPU without bf16 instructions the products are rounded to
/// bf16 before they are added, a slice of the vocabulary at a time.
void add_weight_gradient(const at::Tensor& gradient, const at::Tensor& d_output,
                         const at::Tensor& input);

}  // namespace distill
