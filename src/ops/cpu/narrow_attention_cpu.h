// Attention of one document on one thread for narrow heads, where a matrix product a tile costs
// more to start than to do: the loops run over keys, which lie side by side in transposed copies.
#pragma once

#include <ATen/core/Tensor.h>

#include "distill/ops/attention.h"

namespace distill {

/// Widest head that these kernels are faster for than ATen's.
inline constexpr int64_t kNarrowHead = 32;

struct DocumentForward {
  at::Tensor out;        // [m, H, d]
  at::Tensor logsumexp;  // of the scores of each query and head, as the backward pass wants it
};

/// q [m, H, d], k and v [n, Hkv, d]. No dropout, no softcap.
DocumentForward narrow_attention_forward_cpu(const at::Tensor& q, const at::Tensor& k,
                                             const at::Tensor& v, const AttentionOptions& options);

struct DocumentBackward {
  at::Tensor q, k, v;  // shaped as the inputs
};

DocumentBackward narrow_attention_backward_cpu(const at::Tensor& d_out, const at::Tensor& q,
                                               const at::Tensor& k, const at::Tensor& v,
                                               const at::Tensor& out, const at::Tensor& logsumexp,
                                               const AttentionOptions& options);

}  // namespace distill
