// Rotary position embedding (Su et al. 2021), half-split convention of Hugging Face: feature i
// turns with feature i + d/2.
#pragma once

#include <ATen/core/Tensor.h>

namespace distill {

/// x [T, H, d], cosine and sine fp32 [T, r / 2] with r <= d (features past r pass unchanged):
/// the rotated x in its own dtype, fp32 arithmetic (fp64 for fp64). Differentiable in x.
at::Tensor rotary(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine);

}  // namespace distill
