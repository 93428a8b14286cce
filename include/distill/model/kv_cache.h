// Keys and values of the tokens that a model has read.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "distill/flow/batch.h"
#include "distill/model/transformer_config.h"
#include "distill/ops/attention.h"

namespace distill {

/// N sequences of different lengths. A forward pass over N documents appends document n to sequence
/// n; its positions must go on where the sequence ends. No gradients.
class KvCache {
 public:
  KvCache(const TransformerConfig& config, at::ScalarType dtype, at::Device device);

  int64_t count() const { return static_cast<int64_t>(lengths_.size()); }
  const std::vector<int64_t>& lengths() const { return lengths_; }

  /// Adds empty sequences behind the others.
  void add(int64_t count);
  /// Empties sequence n: another may take its place.
  void clear(int64_t n) { lengths_.at(static_cast<size_t>(n)) = 0; }
  /// Keeps these sequences in this order. One that is named twice is copied, which shares a prefix.
  void keep(const std::vector<int64_t>& sequences);

  // For the forward pass: begin, store and attend once a layer, end.

  /// Throws Error if the documents are not one a sequence.
  void begin(const Batch& batch);
  /// Appends k and v [T, Hkv, d] of the batch in `layer` and attends q [T, H, d] to all that is
  /// there.
  at::Tensor attend(int64_t layer, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                    const AttentionOptions& options);
  void end();

 private:
  struct Layer {
    at::Tensor keys, values;  // [N, capacity, Hkv, d]
  };
  /// Some documents of the batch and their rows in it.
  struct Group {
    std::vector<int64_t> documents;
    at::Tensor rows;  // int64
  };

  int64_t capacity() const { return layers_.front().keys.size(1); }
  at::Device device() const { return layers_.front().keys.device(); }
  at::Tensor to_device(const std::vector<int64_t>& values) const;
  void resize(int64_t sequences, int64_t capacity);
  void prepare_single(const Batch& batch);
  void prepare_longer(const Batch& batch);
  /// Documents of one token: q [N, H, d], a row a sequence.
  at::Tensor decode(const Layer& table, const at::Tensor& q, const AttentionOptions& options);
  /// The longer ones: q [their rows, H, d].
  at::Tensor read(const Layer& table, const at::Tensor& q, const AttentionOptions& options) const;

  std::vector<Layer> layers_;
  std::vector<int64_t> lengths_;
  bool decodes_;  ///< `decode` knows all that the model's attention does

  // The step under way.
  std::vector<int64_t> new_lengths_;
  int64_t longest_ = 0;
  at::Tensor write_rows_;  // int64 [T] rows of a table seen as [N * capacity]
  Group single_, longer_;
  at::Tensor mask_;  // [N, 1, 1, longest], made for mask_window_
  int64_t mask_window_ = -1;
  at::Tensor key_rows_;  // of the longer documents
  Segments query_segments_, key_segments_;
};

}  // namespace distill
