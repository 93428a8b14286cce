// The kernels behind gated: fp32, fp64 and bf16.
#pragma once

#include <ATen/core/Tensor.h>

#include <utility>

#include "distill/ops/activation.h"

namespace distill {

/// activation(gate) * up.
at::Tensor gated_forward_cpu(const at::Tensor& gate, const at::Tensor& up, Activation activation);

/// The gradients of gate and up.
std::pair<at::Tensor, at::Tensor> gated_backward_cpu(const at::Tensor& grad, const at::Tensor& gate,
                                                     const at::Tensor& up, Activation activation);

}  // namespace distill
