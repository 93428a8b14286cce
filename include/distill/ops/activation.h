// Activation functions of feed-forward blocks, under the names of Hugging Face's `hidden_act`.
#pragma once

#include <ATen/core/Tensor.h>

namespace distill {

enum class Activation {
  kSilu,      ///< silu, swish
  kGelu,      ///< gelu (exact, erf)
  kGeluTanh,  ///< gelu_new, gelu_pytorch_tanh
  kRelu,      ///< relu
};

at::Tensor activate(const at::Tensor& x, Activation activation);

/// activate(gate) * up, one pass forward and one backward (Shazeer 2020, GLU variants). Same shape
/// and dtype for both; fp32 arithmetic. Differentiable in both.
at::Tensor gated(const at::Tensor& gate, const at::Tensor& up, Activation activation);

}  // namespace distill
