// The keys and values of one layer, and what all such layers need to know of a forward pass.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <vector>

#include "distill/flow/batch.h"
#include "distill/model/transformer_config.h"
#include "distill/ops/attention.h"

namespace distill {

/// A forward pass whose document n continues sequence n. Documents of one token, which is what
/// decoding makes, attend to the tables as they are, all in one masked call (`decoded`); of longer
/// ones, a prompt, the rows are gathered first (`gathered`).
struct AttentionStep {
  /// `before` and `after`: lengths of the sequences without and with the batch. `decodes`: whether
  /// one masked call knows all that the model's attention does.
  AttentionStep(const Batch& batch, const std::vector<int64_t>& before,
                const std::vector<int64_t>& after, int64_t capacity, bool decodes,
                at::Device device);

  /// 0 for the keys that are seen, -inf for the others: [N, 1, 1, longest], made once a window.
  const at::Tensor& mask(int64_t window, const at::TensorOptions& options);

  at::Tensor lengths;     // int64 [N], with the batch
  int64_t longest = 0;    // of them
  at::Tensor write_rows;  // int64 [T] rows of a table seen as [N * capacity]

  at::Tensor decoded;       // int64: the sequences
  at::Tensor decoded_rows;  // int64: their rows of the batch

  at::Tensor gathered_rows;  // int64: rows of the batch
  at::Tensor key_rows;       // int64: rows of a table seen as [N * capacity]
  Segments query_segments, key_segments;

 private:
  std::map<int64_t, at::Tensor> masks_;  // by window
};

/// Tables [N, capacity, key-value heads, head_dim] in which a new token is written in place.
class AttentionCache {
 public:
  AttentionCache(const LayerConfig& layer, const at::TensorOptions& options);

  /// Keeps what is there. Neither may become less.
  void resize(int64_t sequences, int64_t capacity);
  /// int64: these sequences in this order.
  void keep(const at::Tensor& sequences);

  /// Appends k and v [T, Hkv, d] of the batch and attends q [T, H, d] to all that is there.
  at::Tensor attend(AttentionStep& step, const at::Tensor& q, const at::Tensor& k,
                    const at::Tensor& v, const AttentionOptions& options);

 private:
  /// q [N, H, d], a row a sequence.
  at::Tensor decode(AttentionStep& step, const at::Tensor& q,
                    const AttentionOptions& options) const;
  /// q [gathered rows, H, d].
  at::Tensor gather(const AttentionStep& step, const at::Tensor& q,
                    const AttentionOptions& options) const;

  at::Tensor keys_, values_;
};

}  // namespace distill
