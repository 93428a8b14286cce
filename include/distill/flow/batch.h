// A batch: documents laid end to end, no padding and no mask.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "distill/core/hash.h"

namespace distill {

/// A target that no loss looks at.
inline constexpr int64_t kIgnore = -100;

/// Where a document came from: errors, caches and logs name it.
struct SampleRef {
  int32_t source = 0;  ///< index into the configured sources
  int64_t record = 0;  ///< record in the source, from 0
  int32_t part = 0;    ///< piece of the record under `too_long: split`
  ContentKey content;  ///< hash of tokens and loss mask
};

/// All that a stream's next batch depends on.
struct StreamState {
  uint64_t seed = 0;
  int64_t epoch = 0;
  int64_t window = 0;  ///< window of documents inside the epoch
  int64_t batch = 0;   ///< batch inside the window

  bool operator==(const StreamState&) const = default;
};

/// T tokens of N documents. Document n is [bounds[n], bounds[n + 1]); positions restart in each and
/// attention stays inside it. Targets are shifted already: targets[i] is the token after i.
struct Batch {
  at::Tensor tokens;               // int64 [T]
  at::Tensor positions;            // int64 [T]
  at::Tensor targets;              // int64 [T], kIgnore where there is no loss
  at::Tensor loss_rows;            // int64 [R], ascending, where targets != kIgnore
  at::Tensor weights;              // fp32 [R] or undefined (all one)
  at::Tensor keys;                 // int64 [R], a row's name: hash of its document and position
  at::Tensor labels;               // int64 [N] or undefined: for task heads
  at::Tensor cu_seqlens;           // int32 [N + 1], on the device of tokens
  std::vector<int32_t> bounds;     // the same on the host
  int32_t max_length = 0;          // of the longest document
  std::vector<SampleRef> samples;  // [N]
  int64_t epoch = 0;               // the pass over the data that it is of
  int64_t groups = 0;  // of documents that are compared, all here; 0: each is one of its own
  StreamState after;   // what a checkpoint stores once this batch has been consumed

  int64_t token_count() const { return bounds.empty() ? 0 : bounds.back(); }
  int64_t document_count() const { return bounds.empty() ? 0 : int64_t(bounds.size()) - 1; }
  int64_t loss_token_count() const { return loss_rows.defined() ? loss_rows.size(0) : 0; }

  /// The same batch with its tensors on another device.
  Batch to(at::Device device) const;
};

/// The document of each loss row: int64 [R], on the device of the batch.
at::Tensor loss_row_documents(const Batch& batch);

/// One document before it is packed: token ids and, for each, whether it is a target.
struct Document {
  std::vector<int64_t> tokens;
  std::vector<bool> is_target;  // same size; is_target[0] has no effect, nothing predicts it
  SampleRef sample;
};

/// Lays documents end to end (on the CPU). The first token of a document is nobody's target.
Batch make_batch(const std::vector<Document>& documents);

}  // namespace distill
