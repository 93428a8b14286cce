#include "distill/flow/batch.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "distill/core/error.h"
#include "distill/core/random.h"

namespace distill {
namespace {

/// The same for a document's position whatever batch it comes in.
int64_t row_key(const SampleRef& sample, int64_t position) {
  const uint64_t document = sample.content.high ^ sample.content.low;
  return static_cast<int64_t>(Random(document + static_cast<uint64_t>(position)).next());
}

}  // namespace

Batch Batch::to(at::Device device) const {
  Batch moved = *this;
  for (at::Tensor* tensor : {&moved.tokens, &moved.positions, &moved.targets, &moved.loss_rows,
                             &moved.weights, &moved.keys, &moved.labels, &moved.cu_seqlens}) {
    if (tensor->defined()) *tensor = tensor->to(device, /*non_blocking=*/true);
  }
  return moved;
}

at::Tensor loss_row_documents(const Batch& batch) {
  return at::searchsorted(batch.cu_seqlens.to(at::kLong), batch.loss_rows, /*out_int32=*/false,
                          /*right=*/true) -
         1;
}

Batch make_batch(const std::vector<Document>& documents) {
  std::vector<int64_t> tokens, positions, targets, loss_rows, keys;
  Batch batch;
  batch.bounds.push_back(0);
  for (const Document& document : documents) {
    const auto length = static_cast<int64_t>(document.tokens.size());
    if (document.is_target.size() != document.tokens.size() || length == 0) {
      throw Error("make_batch: a document is empty or its mask has another length");
    }
    for (int64_t i = 0; i < length; ++i) {
      const auto next = static_cast<size_t>(i) + 1;
      const bool has_target = i + 1 < length && document.is_target[next];
      if (has_target) {
        loss_rows.push_back(static_cast<int64_t>(tokens.size()));
        keys.push_back(row_key(document.sample, i));
      }
      tokens.push_back(document.tokens[static_cast<size_t>(i)]);
      positions.push_back(i);
      targets.push_back(has_target ? document.tokens[next] : kIgnore);
    }
    batch.bounds.push_back(static_cast<int32_t>(tokens.size()));
    batch.max_length = std::max(batch.max_length, static_cast<int32_t>(length));
    batch.samples.push_back(document.sample);
  }
  batch.tokens = at::tensor(tokens, at::kLong);
  batch.positions = at::tensor(positions, at::kLong);
  batch.targets = at::tensor(targets, at::kLong);
  batch.loss_rows = at::tensor(loss_rows, at::kLong);
  batch.keys = at::tensor(keys, at::kLong);
  batch.cu_seqlens = at::tensor(batch.bounds, at::kInt);
  return batch;
}

}  // namespace distill
