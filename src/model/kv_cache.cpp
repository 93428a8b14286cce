// Each layer's keys and values lie in one table [N, capacity, Hkv, d], so that a new token is
// written in place. A document of one token, which is what decoding makes, attends to the table as
// it is, all such documents in one masked call; longer ones (a prompt) have their rows gathered
// first.
#include "distill/model/kv_cache.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>

#include "distill/core/error.h"

namespace distill {
namespace {

constexpr int64_t kFirstCapacity = 64;

}  // namespace

KvCache::KvCache(const TransformerConfig& config, at::ScalarType dtype, at::Device device)
    : decodes_(config.causal && config.attention_softcap == 0.0) {
  layers_.resize(static_cast<size_t>(config.num_layers));
  const auto options = at::TensorOptions().dtype(dtype).device(device);
  for (Layer& layer : layers_) {
    layer.keys = at::empty({0, 0, config.num_kv_heads, config.head_dim}, options);
    layer.values = at::empty_like(layer.keys);
  }
}

void KvCache::resize(int64_t sequences, int64_t capacity) {
  const auto grown = [&](const at::Tensor& old) {
    // Zeros: a masked value that is NaN would still spoil a sum.
    at::Tensor table = at::zeros({sequences, capacity, old.size(2), old.size(3)}, old.options());
    table.narrow(0, 0, old.size(0)).narrow(1, 0, old.size(1)).copy_(old);
    return table;
  };
  for (Layer& layer : layers_) {
    layer.keys = grown(layer.keys);
    layer.values = grown(layer.values);
  }
}

void KvCache::add(int64_t count) {
  lengths_.resize(lengths_.size() + static_cast<size_t>(count), 0);
  resize(this->count(), capacity());
}

void KvCache::keep(const std::vector<int64_t>& sequences) {
  std::vector<int64_t> lengths;
  for (const int64_t n : sequences) lengths.push_back(lengths_.at(static_cast<size_t>(n)));
  lengths_ = std::move(lengths);
  const at::Tensor index = to_device(sequences);
  for (Layer& layer : layers_) {
    layer.keys = layer.keys.index_select(0, index);
    layer.values = layer.values.index_select(0, index);
  }
}

void KvCache::begin(const Batch& batch) {
  if (batch.document_count() != count()) {
    throw Error("a batch of " + std::to_string(batch.document_count()) +
                " documents does not continue a cache of " + std::to_string(count()) +
                " sequences");
  }
  new_lengths_ = lengths_;
  single_ = {};
  longer_ = {};
  for (int64_t n = 0; n < count(); ++n) {
    const auto at = static_cast<size_t>(n);
    const int64_t added = batch.bounds[at + 1] - batch.bounds[at];
    new_lengths_[at] += added;
    if (added > 0) (added == 1 && decodes_ ? single_ : longer_).documents.push_back(n);
  }
  const auto longest = std::max_element(new_lengths_.begin(), new_lengths_.end());
  longest_ = longest == new_lengths_.end() ? 0 : *longest;
  if (longest_ > capacity()) resize(count(), std::max({longest_, 2 * capacity(), kFirstCapacity}));
  std::vector<int64_t> rows;
  for (int64_t n = 0; n < count(); ++n) {
    const auto at = static_cast<size_t>(n);
    for (int64_t i = lengths_[at]; i < new_lengths_[at]; ++i) rows.push_back(n * capacity() + i);
  }
  write_rows_ = to_device(rows);
  prepare_single(batch);
  prepare_longer(batch);
}

void KvCache::prepare_single(const Batch& batch) {
  std::vector<int64_t> rows;
  for (const int64_t n : single_.documents) rows.push_back(batch.bounds[static_cast<size_t>(n)]);
  single_.rows = to_device(rows);
  mask_window_ = -1;
}

void KvCache::prepare_longer(const Batch& batch) {
  std::vector<int64_t> rows, key_rows;
  std::vector<int32_t> query_lengths, key_lengths;
  for (const int64_t n : longer_.documents) {
    const auto at = static_cast<size_t>(n);
    for (int64_t i = batch.bounds[at]; i < batch.bounds[at + 1]; ++i) rows.push_back(i);
    for (int64_t i = 0; i < new_lengths_[at]; ++i) key_rows.push_back(n * capacity() + i);
    query_lengths.push_back(batch.bounds[at + 1] - batch.bounds[at]);
    key_lengths.push_back(static_cast<int32_t>(new_lengths_[at]));
  }
  longer_.rows = to_device(rows);
  key_rows_ = to_device(key_rows);
  query_segments_ = Segments::from_lengths(query_lengths, device());
  key_segments_ = Segments::from_lengths(key_lengths, device());
}

at::Tensor KvCache::attend(int64_t layer, const at::Tensor& q, const at::Tensor& k,
                           const at::Tensor& v, const AttentionOptions& options) {
  Layer& table = layers_.at(static_cast<size_t>(layer));
  table.keys.flatten(0, 1).index_copy_(0, write_rows_, k);
  table.values.flatten(0, 1).index_copy_(0, write_rows_, v);
  if (longer_.documents.empty() && single_.documents.size() == lengths_.size()) {
    return decode(table, q, options);
  }
  at::Tensor out = at::empty_like(q);
  if (!longer_.documents.empty()) {
    out.index_copy_(0, longer_.rows, read(table, q.index_select(0, longer_.rows), options));
  }
  if (!single_.documents.empty()) {
    // A query for each sequence, since the table is not cut; those of the others count for nothing.
    const at::Tensor sequences = to_device(single_.documents);
    const at::Tensor queries = at::zeros({count(), q.size(1), q.size(2)}, q.options())
                                   .index_copy_(0, sequences, q.index_select(0, single_.rows));
    out.index_copy_(0, single_.rows, decode(table, queries, options).index_select(0, sequences));
  }
  return out;
}

at::Tensor KvCache::decode(const Layer& table, const at::Tensor& q,
                           const AttentionOptions& options) {
  if (mask_window_ != options.window) {
    const at::Tensor lengths = to_device(new_lengths_).view({-1, 1, 1, 1});
    const at::Tensor keys = at::arange(longest_, lengths.options());
    at::Tensor hidden = keys >= lengths;
    if (options.window > 0) hidden = hidden | (keys < lengths - options.window);
    mask_ = at::zeros(hidden.sizes(), q.options())
                .masked_fill_(hidden, -std::numeric_limits<double>::infinity());
    // A sequence that is still empty has a query that counts for nothing: it may look anywhere.
    mask_.masked_fill_(lengths == 0, 0.0);
    mask_window_ = options.window;
  }
  const auto by_head = [&](const at::Tensor& x) {
    return x.narrow(1, 0, longest_).transpose(1, 2);
  };
  return at::scaled_dot_product_attention(q.unsqueeze(2), by_head(table.keys),
                                          by_head(table.values), mask_, 0.0, false, options.scale,
                                          /*enable_gqa=*/true)
      .squeeze(2);
}

at::Tensor KvCache::read(const Layer& table, const at::Tensor& q,
                         const AttentionOptions& options) const {
  return attention(q, table.keys.flatten(0, 1).index_select(0, key_rows_),
                   table.values.flatten(0, 1).index_select(0, key_rows_), query_segments_,
                   key_segments_, options);
}

void KvCache::end() { lengths_ = new_lengths_; }

at::Tensor KvCache::to_device(const std::vector<int64_t>& values) const {
  return at::tensor(values, at::kLong).to(device());
}

}  // namespace distill
