// Attention's scores and probabilities written out, one document and some of its heads at a time:
// for losses on them and for looking at them. Attention itself (attention.h) never makes them.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "distill/ops/attention.h"

namespace distill {

/// Heads [first, first + count) of the queries: any number of those that share a key head, or of
/// several such groups all.
struct HeadRange {
  int64_t first = 0;
  int64_t count = 0;
};

/// q [m, H, d] and k [n, Hkv, d] of one document -> fp32 (fp64 for fp64) [count, m, n]: q k^T,
/// scaled and soft-capped, before the mask, so that what a query does not see has finite numbers
/// too (visible_keys says what it sees). 4 count m n bytes in fp32, up to three times that while
/// they are made; autograd keeps as much again under a soft-cap, else nothing. Differentiable.
/// Throws c10::Error on shapes and heads that do not fit.
at::Tensor attention_scores(const at::Tensor& q, const at::Tensor& k, HeadRange heads,
                            const AttentionOptions& options);

/// attention_scores -> the probabilities, of the same shape: the softmax over the keys that a query
/// sees, zero at the others, without dropout. As much memory as the scores, twice that while they
/// are made; autograd keeps the result and the mask. Differentiable.
at::Tensor attention_probabilities(const at::Tensor& scores, const AttentionOptions& options);

/// Which of n keys each of m queries sees, bool [m, n]; undefined: all. The queries are the last m
/// of n positions. Throws c10::Error on a window without `causal`.
at::Tensor visible_keys(int64_t m, int64_t n, const AttentionOptions& options, at::Device device);

}  // namespace distill
