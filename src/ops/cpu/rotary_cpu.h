// The kernel behind rotary: fp32, fp64 and bf16.
#pragma once

#include <ATen/core/Tensor.h>

namespace distill {

/// x [T, H, d] turned by the angles of the tables (`direction` 1) or back (-1). cosine and sine
/// [T, r / 2], contiguous, in the arithmetic type.
at::Tensor rotary_cpu(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine,
                      int direction);

}  // namespace distill
