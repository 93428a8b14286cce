#include "distill/model/sequence_cache.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "distill/core/error.h"

namespace distill {
namespace {

constexpr int64_t kFirstCapacity = 64;

LayerCache make_cache(const LayerConfig& layer, const at::TensorOptions& options) {
  switch (layer.mixer) {
    case MixerKind::kAttention:
      return AttentionCache(layer, options);
  }
  throw Error("a layer with a mixer of no known kind");
}

}  // namespace

SequenceCache::SequenceCache(const TransformerConfig& config, at::ScalarType dtype,
                             at::Device device)
    : device_(device), decodes_(config.causal && config.attention_softcap == 0.0) {
  const auto options = at::TensorOptions().dtype(dtype).device(device);
  for (const LayerConfig& layer : config.layers) layers_.push_back(make_cache(layer, options));
}

void SequenceCache::resize(int64_t capacity) {
  capacity_ = capacity;
  for (LayerCache& layer : layers_) {
    std::visit([&](auto& cache) { cache.resize(count(), capacity); }, layer);
  }
}

void SequenceCache::add(int64_t count) {
  lengths_.resize(lengths_.size() + static_cast<size_t>(count), 0);
  resize(capacity_);
}

void SequenceCache::keep(const std::vector<int64_t>& sequences) {
  std::vector<int64_t> lengths;
  for (const int64_t n : sequences) lengths.push_back(lengths_.at(static_cast<size_t>(n)));
  lengths_ = std::move(lengths);
  const at::Tensor index = at::tensor(sequences, at::kLong).to(device_);
  for (LayerCache& layer : layers_) {
    std::visit([&](auto& cache) { cache.keep(index); }, layer);
  }
}

std::vector<int64_t> SequenceCache::lengths_with(const Batch& batch) const {
  if (batch.document_count() != count()) {
    throw Error("a batch of " + std::to_string(batch.document_count()) +
                " documents does not continue a cache of " + std::to_string(count()) +
                " sequences");
  }
  std::vector<int64_t> lengths = lengths_;
  for (size_t n = 0; n < lengths.size(); ++n) lengths[n] += batch.bounds[n + 1] - batch.bounds[n];
  return lengths;
}

void SequenceCache::begin(const Batch& batch) {
  new_lengths_ = lengths_with(batch);
  int64_t longest = 0;
  for (const int64_t length : new_lengths_) longest = std::max(longest, length);
  if (longest > capacity_) resize(std::max({longest, 2 * capacity_, kFirstCapacity}));
  attention_step_.emplace(batch, lengths_, new_lengths_, capacity_, decodes_, device_);
}

at::Tensor SequenceCache::attend(int64_t layer, const at::Tensor& q, const at::Tensor& k,
                                 const at::Tensor& v, const AttentionOptions& options) {
  return std::get<AttentionCache>(layers_.at(static_cast<size_t>(layer)))
      .attend(*attention_step_, q, k, v, options);
}

}  // namespace distill
