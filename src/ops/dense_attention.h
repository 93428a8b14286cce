// Attention of B documents of one length each, by ATen's ops: any device, dtype and option.
#pragma once

#include <ATen/core/Tensor.h>

#include "distill/ops/attention.h"

namespace distill {

/// q [B, m, H, d], k [B, n, Hkv, d] -> [B, H, m, n], fp32 (fp64 for fp64), before the mask.
at::Tensor dense_scores(const at::Tensor& q, const at::Tensor& k, const AttentionOptions& options);

/// q [B, m, H, d], k and v [B, n, Hkv, d] -> [B, m, H, d].
at::Tensor dense_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                           const AttentionOptions& options);

}  // namespace distill
