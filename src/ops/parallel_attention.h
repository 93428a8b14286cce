// Attention on a CPU with the documents in parallel, one thread a document. The threads of ATen's
// kernel, within a document, gain little at the lengths that language models are distilled on.
#pragma once

#include <ATen/core/Tensor.h>

#include "distill/ops/attention.h"

namespace distill {

/// As attention(), without softcap and dropout. Differentiable, but not twice.
at::Tensor parallel_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                              const Segments& query_segments, const Segments& key_segments,
                              const AttentionOptions& options);

}  // namespace distill
