#include "distill/model/attention_cache.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>

namespace distill {
namespace {

at::Tensor indices(const std::vector<int64_t>& values, at::Device device) {
  return at::tensor(values, at::kLong).to(device);
}

void append_range(std::vector<int64_t>& values, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) values.push_back(i);
}

}  // namespace

AttentionStep::AttentionStep(const Batch& batch, const std::vector<int64_t>& before,
                             const std::vector<int64_t>& after, int64_t capacity, bool decodes,
                             at::Device device) {
  std::vector<int64_t> writes, sequences, single_rows, longer_rows, keys;
  std::vector<int32_t> query_lengths, key_lengths;
  for (size_t n = 0; n < after.size(); ++n) {
    const int64_t first = static_cast<int64_t>(n) * capacity, added = after[n] - before[n];
    longest = std::max(longest, after[n]);
    append_range(writes, first + before[n], first + after[n]);
    if (added == 1 && decodes) {
      sequences.push_back(static_cast<int64_t>(n));
      single_rows.push_back(batch.bounds[n]);
    } else if (added > 0) {
      append_range(longer_rows, batch.bounds[n], batch.bounds[n + 1]);
      append_range(keys, first, first + after[n]);
      query_lengths.push_back(static_cast<int32_t>(added));
      key_lengths.push_back(static_cast<int32_t>(after[n]));
    }
  }
  lengths = indices(after, device);
  write_rows = indices(writes, device);
  decoded = indices(sequences, device);
  decoded_rows = indices(single_rows, device);
  gathered_rows = indices(longer_rows, device);
  key_rows = indices(keys, device);
  query_segments = Segments::from_lengths(query_lengths, device);
  key_segments = Segments::from_lengths(key_lengths, device);
}

const at::Tensor& AttentionStep::mask(int64_t window, const at::TensorOptions& options) {
  at::Tensor& mask = masks_[window];
  if (mask.defined()) return mask;
  const at::Tensor ends = lengths.view({-1, 1, 1, 1});
  const at::Tensor keys = at::arange(longest, ends.options());
  at::Tensor hidden = keys >= ends;
  if (window > 0) hidden = hidden | (keys < ends - window);
  mask = at::zeros(hidden.sizes(), options)
             .masked_fill_(hidden, -std::numeric_limits<double>::infinity());
  // A sequence that is still empty has a query that counts for nothing: it may look anywhere.
  mask.masked_fill_(ends == 0, 0.0);
  return mask;
}

AttentionCache::AttentionCache(const LayerConfig& layer, const at::TensorOptions& options)
    : keys_(at::empty({0, 0, layer.num_kv_heads, layer.head_dim}, options)),
      values_(at::empty_like(keys_)) {}

void AttentionCache::resize(int64_t sequences, int64_t capacity) {
  for (at::Tensor* table : {&keys_, &values_}) {
    const at::Tensor& old = *table;
    // Zeros: a masked value that is NaN would still spoil a sum.
    at::Tensor larger = at::zeros({sequences, capacity, old.size(2), old.size(3)}, old.options());
    larger.narrow(0, 0, old.size(0)).narrow(1, 0, old.size(1)).copy_(old);
    *table = larger;
  }
}

void AttentionCache::keep(const at::Tensor& sequences) {
  keys_ = keys_.index_select(0, sequences);
  values_ = values_.index_select(0, sequences);
}

at::Tensor AttentionCache::attend(AttentionStep& step, const at::Tensor& q, const at::Tensor& k,
                                  const at::Tensor& v, const AttentionOptions& options) {
  keys_.flatten(0, 1).index_copy_(0, step.write_rows, k);
  values_.flatten(0, 1).index_copy_(0, step.write_rows, v);
  const bool none_gathered = step.gathered_rows.numel() == 0;
  if (none_gathered && step.decoded.numel() == keys_.size(0)) return decode(step, q, options);
  at::Tensor out = at::empty_like(q);
  if (!none_gathered) {
    const at::Tensor queries = q.index_select(0, step.gathered_rows);
    out.index_copy_(0, step.gathered_rows, gather(step, queries, options));
  }
  if (step.decoded.numel() > 0) {
    // A query for each sequence, since the table is not cut; those of the others count for nothing.
    const at::Tensor queries =
        at::zeros({keys_.size(0), q.size(1), q.size(2)}, q.options())
            .index_copy_(0, step.decoded, q.index_select(0, step.decoded_rows));
    out.index_copy_(0, step.decoded_rows,
                    decode(step, queries, options).index_select(0, step.decoded));
  }
  return out;
}

at::Tensor AttentionCache::decode(AttentionStep& step, const at::Tensor& q,
                                  const AttentionOptions& options) const {
  const auto by_head = [&](const at::Tensor& table) {
    return table.narrow(1, 0, step.longest).transpose(1, 2);
  };
  return at::scaled_dot_product_attention(q.unsqueeze(2), by_head(keys_), by_head(values_),
                                          step.mask(options.window, q.options()), 0.0, false,
                                          options.scale, /*enable_gqa=*/true)
      .squeeze(2);
}

at::Tensor AttentionCache::gather(const AttentionStep& step, const at::Tensor& q,
                                  const AttentionOptions& options) const {
  return attention(q, keys_.flatten(0, 1).index_select(0, step.key_rows),
                   values_.flatten(0, 1).index_select(0, step.key_rows), step.query_segments,
                   step.key_segments, options);
}

}  // namespace distill
