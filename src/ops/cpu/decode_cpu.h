// Attention of one query a sequence over its cached keys, without gradient: fp32, fp64 and bf16.
#pragma once

#include <ATen/core/Tensor.h>

#include "distill/ops/attention.h"

namespace distill {

/// q [N, H, d], k and v [Tk, Hkv, d] -> [N, H, d]. Each key and value is read once. No dropout.
at::Tensor decode_attention_cpu(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                const Segments& key_segments, const AttentionOptions& options);

}  // namespace distill
