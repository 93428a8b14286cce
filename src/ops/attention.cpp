#include "distill/ops/attention.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <numeric>

#include "ops/cpu/decode_cpu.h"
#include "ops/dense_attention.h"
#include "ops/dispatch.h"
#include "ops/parallel_attention.h"

namespace distill {
namespace {

std::vector<int64_t> lengths(const Segments& segments) {
  std::vector<int64_t> out;
  for (size_t i = 1; i < segments.bounds.size(); ++i) {
    out.push_back(segments.bounds[i] - segments.bounds[i - 1]);
  }
  return out;
}

bool all_equal(const std::vector<int64_t>& values) {
  return std::adjacent_find(values.begin(), values.end(), std::not_equal_to<>()) == values.end();
}

void check(const at::Tensor& q, const at::Tensor& k, const Segments& query_segments,
           const Segments& key_segments, const AttentionOptions& options) {
  TORCH_CHECK(q.dim() == 3 && k.dim() == 3 && q.size(2) == k.size(2) && k.size(1) > 0 &&
                  q.size(1) % k.size(1) == 0,
              "attention: q ", q.sizes(), " does not go with k ", k.sizes());
  TORCH_CHECK(query_segments.count() == key_segments.count() && query_segments.count() > 0 &&
                  query_segments.bounds.back() == q.size(0) &&
                  key_segments.bounds.back() == k.size(0),
              "attention: ", query_segments.count(), " query and ", key_segments.count(),
              " key sequences do not cover q ", q.sizes(), " and k ", k.sizes());
  TORCH_CHECK(options.causal || options.window <= 0, "attention: a window needs causal attention");
  const std::vector<int64_t> m = lengths(query_segments), n = lengths(key_segments);
  for (size_t i = 0; i < m.size(); ++i) {
    const int64_t least = options.causal ? m[i] : std::min<int64_t>(m[i], 1);
    TORCH_CHECK(0 <= m[i] && least <= n[i], "attention: sequence ", i, " has ", m[i],
                " queries and ", n[i], " keys");
  }
}

bool wants_gradient(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
  return at::GradMode::is_enabled() &&
         (q.requires_grad() || k.requires_grad() || v.requires_grad());
}

bool decodes_on_cpu(const at::Tensor& q, const Segments& query_segments,
                    const AttentionOptions& options) {
  return has_cpu_kernel(q) && options.dropout == 0.0 && query_segments.max_length == 1 &&
         q.size(0) == query_segments.count();
}

bool has_document_for_each_thread(const at::Tensor& q, const Segments& query_segments,
                                  const AttentionOptions& options) {
  return has_cpu_kernel(q) && options.dropout == 0.0 && options.softcap == 0.0 &&
         query_segments.count() > 1 && query_segments.count() >= at::get_num_threads();
}

bool fits_flash(const at::Tensor& q, const AttentionOptions& options) {
  const at::ScalarType type = q.scalar_type();
  return q.is_cuda() && (type == at::kBFloat16 || type == at::kHalf) && options.softcap == 0.0 &&
         q.size(2) % 8 == 0 && q.size(2) <= 256;
}

/// The kernels want a head's features side by side.
at::Tensor side_by_side(const at::Tensor& x) { return x.stride(-1) == 1 ? x : x.contiguous(); }

/// All sequences in one kernel (FlashAttention 2: Dao 2023), which aligns `causal` at the end of
/// the keys, takes fewer key heads than query heads, and has a gradient in ATen.
at::Tensor flash_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                           const Segments& query_segments, const Segments& key_segments,
                           const AttentionOptions& options) {
  const bool windowed = options.window > 0;
  const std::optional<int64_t> left = windowed ? options.window - 1 : -1, right = windowed ? 0 : -1;
  return std::get<0>(at::_flash_attention_forward(
      side_by_side(q), side_by_side(k), side_by_side(v), query_segments.cu_seqlens,
      key_segments.cu_seqlens, query_segments.max_length, key_segments.max_length, options.dropout,
      options.causal, /*return_debug_mask=*/false, options.scale, left, right));
}

at::Tensor by_document(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                       const Segments& query_segments, const Segments& key_segments,
                       const AttentionOptions& options) {
  const std::vector<int64_t> m = lengths(query_segments), n = lengths(key_segments);
  if (all_equal(m) && all_equal(n)) {
    const int64_t count = query_segments.count();
    return dense_attention(q.unflatten(0, {count, m[0]}), k.unflatten(0, {count, n[0]}),
                           v.unflatten(0, {count, n[0]}), options)
        .flatten(0, 1);
  }
  // One split a tensor: its backward is one cat, a narrow's would be a zero-filled whole each.
  const auto queries = q.split_with_sizes(m), keys = k.split_with_sizes(n),
             values = v.split_with_sizes(n);
  std::vector<at::Tensor> out;
  for (size_t i = 0; i < queries.size(); ++i) {
    if (m[i] == 0) continue;
    out.push_back(dense_attention(queries[i].unsqueeze(0), keys[i].unsqueeze(0),
                                  values[i].unsqueeze(0), options)
                      .squeeze(0));
  }
  return at::cat(out);
}

}  // namespace

Segments Segments::from_lengths(const std::vector<int32_t>& lengths, at::Device device) {
  Segments out;
  out.bounds.assign(lengths.size() + 1, 0);
  std::partial_sum(lengths.begin(), lengths.end(), out.bounds.begin() + 1);
  if (!lengths.empty()) out.max_length = *std::max_element(lengths.begin(), lengths.end());
  out.cu_seqlens = at::tensor(out.bounds, at::kInt).to(device);
  return out;
}

at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                     const Segments& query_segments, const Segments& key_segments,
                     const AttentionOptions& options) {
  check(q, k, query_segments, key_segments, options);
  TORCH_CHECK(v.sizes() == k.sizes(), "attention: v ", v.sizes(), " differs from k ", k.sizes());
  if (q.size(0) == 0) return at::empty_like(q);
  if (decodes_on_cpu(q, query_segments, options) && !wants_gradient(q, k, v)) {
    return decode_attention_cpu(q, k, v, key_segments, options);
  }
  if (fits_flash(q, options)) {
    return flash_attention(q, k, v, query_segments, key_segments, options);
  }
  if (has_document_for_each_thread(q, query_segments, options)) {
    return parallel_attention(side_by_side(q), side_by_side(k), side_by_side(v), query_segments,
                              key_segments, options);
  }
  return by_document(q, k, v, query_segments, key_segments, options);
}

}  // namespace distill
