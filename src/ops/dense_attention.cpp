#include "ops/dense_attention.h"

#include <ATen/ATen.h>

#include "distill/ops/attention_maps.h"
#include "ops/dispatch.h"

namespace distill {

at::Tensor dense_scores(const at::Tensor& q, const at::Tensor& k, const AttentionOptions& options) {
  const at::ScalarType type = arithmetic_type(q.scalar_type());
  const int64_t batch = q.size(0), m = q.size(1), heads = q.size(2), width = q.size(3);
  const int64_t n = k.size(1), key_heads = k.size(2), group = heads / key_heads;
  const at::Tensor queries =
      q.to(type).transpose(1, 2).reshape({batch, key_heads, group * m, width});
  at::Tensor scores = at::matmul(queries, k.to(type).permute({0, 2, 3, 1})) * options.scale;
  scores = scores.view({batch, heads, m, n});
  if (options.softcap > 0.0) scores = at::tanh(scores / options.softcap) * options.softcap;
  return scores;
}

namespace {

/// The sum over keys by hand, for what SDPA does not know. Shapes as in dense_attention.
at::Tensor explicit_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                              const AttentionOptions& options) {
  const int64_t batch = q.size(0), m = q.size(1), heads = q.size(2), width = v.size(3);
  const int64_t n = k.size(1), key_heads = k.size(2), group = heads / key_heads;
  at::Tensor weights = attention_probabilities(dense_scores(q, k, options), options);
  if (options.dropout > 0.0) weights = at::dropout(weights, options.dropout, true);
  const at::Tensor values = v.to(weights.scalar_type()).transpose(1, 2);
  const at::Tensor out = at::matmul(weights.view({batch, key_heads, group * m, n}), values);
  return out.view({batch, heads, m, width}).transpose(1, 2).to(q.scalar_type());
}

}  // namespace

at::Tensor dense_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                           const AttentionOptions& options) {
  if (options.softcap > 0.0) return explicit_attention(q, k, v, options);
  const int64_t m = q.size(1), n = k.size(1);
  const bool square = options.causal && m == n && (options.window <= 0 || options.window >= n);
  std::optional<at::Tensor> mask;
  if (!square) {
    const at::Tensor visible = visible_keys(m, n, options, q.device());
    if (visible.defined()) mask = visible;
  }
  return at::scaled_dot_product_attention(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2),
                                          mask, options.dropout, square, options.scale,
                                          q.size(2) != k.size(2))
      .transpose(1, 2);
}

}  // namespace distill
