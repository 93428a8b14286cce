// Table lookup whose gradient is accumulated in fp32.
#pragma once

#include <ATen/core/Tensor.h>

namespace distill {

/// weight [V, D], ids int64 [T] -> [T, D]. Where `gradient` (fp32 or the weight's dtype, [V, D]) is
/// defined and the weight requires a gradient, backward adds straight into it and autograd sees
/// none: a bf16 accumulation loses counts (2000 equal tokens give 256). Undefined: autograd as
/// usual. No row is special: the pad token's is trained like any other.
at::Tensor embedding(const at::Tensor& ids, const at::Tensor& weight, const at::Tensor& gradient);

}  // namespace distill
