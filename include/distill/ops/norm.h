// Normalisation with fp32 arithmetic whatever the dtype of the input (fp64 stays fp64).
#pragma once

#include <ATen/core/Tensor.h>

namespace distill {

/// RMSNorm (Zhang, Sennrich 2019): x / sqrt(mean(x^2) + eps) * (weight + weight_offset) over the
/// last dimension. x [..., D], weight [D]; weight_offset 1 is Gemma's (1 + w). Result in x's dtype.
/// Differentiable in x and weight.
at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps,
                    double weight_offset = 0.0);

/// LayerNorm (Ba et al. 2016) over the last dimension; bias may be undefined.
at::Tensor layer_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                      double eps);

}  // namespace distill
