// Attention of B documents of one length each, by ATen's ops: any device, dtype and option.
#pragma once

#include <ATen/core/Tensor.h>

#include "distill/ops/attention.h"

namespace distill {

/// Which of n keys each of m queries sees, bool [m, n]; undefined: all.
at::Tensor visible_keys(int64_t m, int64_t n, const AttentionOptions& options, at::Device device);

/// q [B, m, H, d], k [B, n, Hkv, d] -> [B, H, m, n], fp32 (fp64 for fp64).
at::Tensor dense_probabilities(const at::Tensor& q, const at::Tensor& k,
                               const AttentionOptions& options);

/// q [B, m, H, d], k and v [B, n, Hkv, d] -> [B, m, H, d].
at::Tensor dense_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                           const AttentionOptions& options);

}  // namespace distill
