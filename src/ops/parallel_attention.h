// Attention on a CPU with the documents in parallel, one thread a document. The threads of ATen's
// kernel, within a document, gain little at the lengths that language models are distilled on
// (SmolLM2's heads, 200 tokens, 2 threads: 1.2 times one thread's speed; by document 2.0).
#pragma once

#include <ATen/core/Tensor.h>

#include "distill/ops/attention.h"

namespace distill {

/// As attention(), without softcap and dropout. Differentiable, but not twice.
at::Tensor parallel_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                              const Segments& query_segments, const Segments& key_segments,
                              const AttentionOptions& options);

}  // namespace distill
