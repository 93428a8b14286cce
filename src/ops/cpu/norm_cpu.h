// The kernels behind rms_norm and layer_norm: fp32, fp64 and bf16 x; everything else in the
// arithmetic type.
#pragma once

#include <ATen/core/Tensor.h>

namespace distill {

struct NormForward {
  at::Tensor out;   // as x
  at::Tensor mean;  // [rows], undefined unless centred
  at::Tensor rstd;  // [rows], 1 / sqrt(variance + eps)
};

/// out = (x - mean) * rstd * scale + shift. shift [D] may be undefined. Not centred: mean is 0.
NormForward norm_forward_cpu(const at::Tensor& x, const at::Tensor& scale, const at::Tensor& shift,
                             double eps, bool centred);

struct NormBackward {
  at::Tensor x;      // as x
  at::Tensor scale;  // [D]
  at::Tensor shift;  // [D]
};

/// The sums over rows are of fixed blocks of rows, added in order.
NormBackward norm_backward_cpu(const at::Tensor& grad, const at::Tensor& x, const at::Tensor& scale,
                               const at::Tensor& mean, const at::Tensor& rstd);

}  // namespace distill
