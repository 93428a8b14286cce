// What a model remembers of the tokens that it has read.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "distill/flow/batch.h"
#include "distill/model/attention_cache.h"
#include "distill/model/transformer_config.h"

namespace distill {

/// What a layer remembers, a class for each MixerKind. It offers resize and keep, as AttentionCache
/// has them; a sequence of length 0 has no past, whatever was there before.
using LayerCache = std::variant<AttentionCache>;

/// N sequences of different lengths. A forward pass over N documents appends document n to sequence
/// n; its positions must go on where the sequence ends. No gradients.
class SequenceCache {
 public:
  SequenceCache(const TransformerConfig& config, at::ScalarType dtype, at::Device device);

  int64_t count() const { return static_cast<int64_t>(lengths_.size()); }
  const std::vector<int64_t>& lengths() const { return lengths_; }
  /// Once `batch` is appended. Throws Error if its documents are not one a sequence.
  std::vector<int64_t> lengths_with(const Batch& batch) const;

  /// Adds empty sequences behind the others.
  void add(int64_t count);
  /// Empties sequence n: another may take its place.
  void clear(int64_t n) { lengths_.at(static_cast<size_t>(n)) = 0; }
  /// Keeps these sequences in this order. One that is named twice is copied, which shares a prefix.
  void keep(const std::vector<int64_t>& sequences);

  // For the forward pass: begin, what the layers remember once a layer, end.

  /// Throws as lengths_with.
  void begin(const Batch& batch);
  /// AttentionCache::attend of `layer`.
  at::Tensor attend(int64_t layer, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                    const AttentionOptions& options);
  void end() { lengths_ = new_lengths_; }

 private:
  void resize(int64_t capacity);

  at::Device device_;
  bool decodes_;  ///< AttentionStep's
  std::vector<LayerCache> layers_;
  std::vector<int64_t> lengths_;
  int64_t capacity_ = 0;  ///< tokens that a sequence has room for

  // The step under way.
  std::vector<int64_t> new_lengths_;
  std::optional<AttentionStep> attention_step_;
};

}  // namespace distill
