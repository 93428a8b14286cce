// The kernel behind embedding's backward.
#pragma once

#include <ATen/core/Tensor.h>

namespace distill {

/// sum[ids[t]] += grad[t] in order of t, whatever the number of threads. grad [T, D] in fp32, fp64
/// or bf16; sum [V, D] contiguous in its arithmetic type; 0 <= ids < V.
void embedding_backward_cpu(const at::Tensor& grad, const at::Tensor& ids, const at::Tensor& sum);

}  // namespace distill
